package vigil.peers;

import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple4;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * Flink in its local environment, parallelism one, object reuse on (as "Execution Configuration" recommends where functions do
 * not keep their input), checkpoints every ten seconds to the job manager's heap.
 *
 * <p>The job "sample": the topic keyed by series, with {@code ValueState} on the heap, its default backend ("state"); or without
 * a shuffle, the windows in the function, which a restart would lose ("heap").  The job "batch" is of the second kind.
 */
public final class Flink {
    private static final Notes NOTES = new Notes();
    private static final SampleJob SAMPLES = new SampleJob();

    public static void main(String[] arguments) throws Exception {
        Configuration options = new Configuration();
        options.set(PipelineOptions.OBJECT_REUSE, true);
        StreamExecutionEnvironment flink = StreamExecutionEnvironment.getExecutionEnvironment(options);
        flink.setParallelism(1);
        flink.enableCheckpointing(10_000);
        KafkaSource<Tuple2<Long, byte[]>> source = KafkaSource.<Tuple2<Long, byte[]>>builder()
            .setBootstrapServers(System.getenv("BENCH_KAFKA"))
            .setTopics(System.getenv("BENCH_TOPIC"))
            .setGroupId(System.getenv("BENCH_GROUP"))
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setDeserializer(new Timed())
            .build();
        DataStream<Tuple2<Long, byte[]>> records = flink.fromSource(source, WatermarkStrategy.noWatermarks(), "in");
        DataStream<Long> done;
        if ("batch".equals(System.getenv("BENCH_JOB"))) {
            done = records.process(new Batches());
        } else if ("state".equals(System.getenv("BENCH_MODE"))) {
            done = records
                .map(record -> {
                    SampleJob.Sample sample = SampleJob.Sample.of(record.f1);
                    return Tuple4.of(sample.key(), sample.vital, sample.time, sample.tenths());
                })
                .returns(Types.TUPLE(Types.STRING, Types.STRING, Types.LONG, Types.INT))
                .keyBy(sample -> sample.f0)
                .process(new Keyed());
        } else {
            done = records.process(new Heap());
        }
        done.sinkTo(new DiscardingSink<>());
        flink.execute("peer");
    }

    private static final class Timed implements KafkaRecordDeserializationSchema<Tuple2<Long, byte[]>> {
        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Tuple2<Long, byte[]>> out) {
            out.collect(Tuple2.of(record.timestamp(), record.value()));
        }

        @Override
        public TypeInformation<Tuple2<Long, byte[]>> getProducedType() {
            return Types.TUPLE(Types.LONG, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
        }
    }

    private static final class Keyed extends KeyedProcessFunction<String, Tuple4<String, String, Long, Integer>, Long> {
        private transient ValueState<SampleJob.Series> window;

        @Override
        public void open(OpenContext context) {
            window = getRuntimeContext().getState(new ValueStateDescriptor<>("window", SampleJob.Series.class));
        }

        @Override
        public void processElement(Tuple4<String, String, Long, Integer> sample, Context context, Collector<Long> out)
            throws Exception {
            SampleJob.Series mine = window.value();
            if (mine == null) {
                mine = new SampleJob.Series();
            }
            long mean = mine.add(sample.f2, sample.f3);
            SAMPLES.count(mine, sample.f1, mean);
            window.update(mine);
            NOTES.done(SAMPLES);
        }
    }

    private static final class Heap extends ProcessFunction<Tuple2<Long, byte[]>, Long> {
        private transient java.util.HashMap<String, SampleJob.Series> series;

        @Override
        public void open(OpenContext context) {
            series = new java.util.HashMap<>();
        }

        @Override
        public void processElement(Tuple2<Long, byte[]> record, Context context, Collector<Long> out) {
            SampleJob.Sample sample = SampleJob.Sample.of(record.f1);
            SampleJob.Series mine = series.computeIfAbsent(sample.key(), key -> new SampleJob.Series());
            SAMPLES.count(mine, sample.vital, mine.add(sample.time, sample.tenths()));
            NOTES.done(SAMPLES);
        }
    }

    private static final class Batches extends ProcessFunction<Tuple2<Long, byte[]>, Long> {
        private static final BatchJob JOB = new BatchJob();

        @Override
        public void processElement(Tuple2<Long, byte[]> record, Context context, Collector<Long> out) {
            JOB.take(record.f1, record.f0);
            NOTES.done(JOB);
        }
    }

    private Flink() {}
}
