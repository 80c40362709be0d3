"""The gateway in the home: listens to devices, keeps what they say until Kafka has it, and sends it sealed."""
