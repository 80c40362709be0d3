"""The patient's own pages: from the box to the ward's receipt, and "My readings" afterwards."""
