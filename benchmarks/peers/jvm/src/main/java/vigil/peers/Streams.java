package vigil.peers;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams: a processor on the topic, one stream thread, defaults otherwise.
 *
 * <p>As in its developer guide, "Processor API": for the job "sample" either with the windows on the heap, which a restart
 * would lose ("heap"), or in a state store of the kind that is quickest, in memory, with its changelog, which the guide has
 * on by default ("state").  The job "batch" has its arrays on the heap, for each task its own.
 */
public final class Streams {
    private static final Notes NOTES = new Notes();
    private static final SampleJob SAMPLES = new SampleJob();
    private static final String STORE = "windows";

    public static void main(String[] arguments) {
        boolean stored = "state".equals(System.getenv("BENCH_MODE"));
        boolean batch = "batch".equals(System.getenv("BENCH_JOB"));
        ProcessorSupplier<byte[], byte[], Void, Void> job = batch ? Batches::new : stored ? Stored::new : Heap::new;
        Topology topology = new Topology();
        topology.addSource("in", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), System.getenv("BENCH_TOPIC"));
        topology.addProcessor("job", job, "in");
        if (stored) {
            Serde<SampleJob.Series> serde = Serdes.serdeFrom((topic, series) -> write(series), (topic, bytes) -> read(bytes));
            topology.addStateStore(
                Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore(STORE), Serdes.String(), serde).withLoggingEnabled(Map.of()),
                "job");
        }
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, System.getenv("BENCH_GROUP"));
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("BENCH_KAFKA"));
        properties.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("BENCH_FOLDER"));
        properties.put("auto.offset.reset", "earliest");
        KafkaStreams streams = new KafkaStreams(topology, properties);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(5))));
        streams.start();
    }

    private static final class Heap implements Processor<byte[], byte[], Void, Void> {
        private final Map<String, SampleJob.Series> series = new HashMap<>();

        @Override
        public void process(Record<byte[], byte[]> record) {
            SampleJob.Sample sample = SampleJob.Sample.of(record.value());
            SampleJob.Series mine = series.computeIfAbsent(sample.key(), key -> new SampleJob.Series());
            SAMPLES.count(mine, sample.vital, mine.add(sample.time, sample.tenths()));
            NOTES.done(SAMPLES);
        }
    }

    private static final class Stored implements Processor<byte[], byte[], Void, Void> {
        private KeyValueStore<String, SampleJob.Series> store;

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            store = context.getStateStore(STORE);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            SampleJob.Sample sample = SampleJob.Sample.of(record.value());
            String key = sample.key();
            SampleJob.Series mine = store.get(key);
            if (mine == null) {
                mine = new SampleJob.Series();
            }
            SAMPLES.count(mine, sample.vital, mine.add(sample.time, sample.tenths()));
            store.put(key, mine);
            NOTES.done(SAMPLES);
        }
    }

    private static final class Batches implements Processor<byte[], byte[], Void, Void> {
        private static final BatchJob JOB = new BatchJob();

        @Override
        public void process(Record<byte[], byte[]> record) {
            JOB.take(record.value(), record.timestamp());
            NOTES.done(JOB);
        }
    }

    private static byte[] write(SampleJob.Series series) {
        ByteBuffer out = ByteBuffer.allocate(1 + 12 * series.size);
        out.put((byte) (series.above ? 1 : 0));
        for (int i = 0; i < series.size; i++) {
            int at = (series.head + i) & (series.times.length - 1);
            out.putLong(series.times[at]).putInt(series.values[at]);
        }
        return out.array();
    }

    private static SampleJob.Series read(byte[] bytes) {
        if (bytes == null) {
            return null;
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        SampleJob.Series series = new SampleJob.Series();
        series.above = in.get() == 1;
        while (in.hasRemaining()) {
            series.add(in.getLong(), in.getInt());
        }
        return series;
    }

    private Streams() {}
}
