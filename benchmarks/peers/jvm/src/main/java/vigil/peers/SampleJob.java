package vigil.peers;

import com.alibaba.fastjson2.JSON;
import java.util.Map;

/** The job "sample" of benchmarks/peers/job.py. */
final class SampleJob implements Notes.Job {
    static final long WINDOW_MS = 60_000;
    static final Map<String, Integer> LIMIT = Map.of(
        "heart_rate", 801_500, "pulse_rate", 801_500, "spo2", 970_500, "respiratory_rate", 161_500, "temperature", 371_500);
    private long samples, means, crossings;

    /** One message; fastjson2 finds public fields. */
    public static final class Sample {
        public String patient;
        public String vital;
        public long time;
        public double value;
        public String unit;
        public String device;
        public String gateway;
        public long sequence;
        public double quality;

        static Sample of(byte[] json) {
            return JSON.parseObject(json, Sample.class);
        }

        String key() {
            return patient + '/' + vital;
        }

        int tenths() {
            return (int) Math.rint(value * 10);
        }
    }

    /** The window of one series: a ring that grows, and its sum. */
    public static final class Series {
        long[] times = new long[64];
        int[] values = new int[64];
        int head, size;
        long total;
        boolean above;

        /** The rolling mean at {@code time}. */
        long add(long time, int value) {
            if (size == times.length) {
                grow();
            }
            int mask = times.length - 1;
            int at = (head + size++) & mask;
            times[at] = time;
            values[at] = value;
            total += value;
            long old = time - WINDOW_MS;
            while (times[head] <= old) {
                total -= values[head];
                head = (head + 1) & mask;
                size--;
            }
            return Math.floorDiv(1000 * total, (long) size);
        }

        private void grow() {
            long[] wider = new long[2 * size];
            int[] also = new int[2 * size];
            for (int i = 0; i < size; i++) {
                wider[i] = times[(head + i) & (size - 1)];
                also[i] = values[(head + i) & (size - 1)];
            }
            times = wider;
            values = also;
            head = 0;
        }
    }

    void count(Series series, String vital, long mean) {
        samples++;
        means += mean;
        boolean above = mean > LIMIT.get(vital);
        if (above && !series.above) {
            crossings++;
        }
        series.above = above;
    }

    @Override
    public long samples() {
        return samples;
    }

    @Override
    public String found() {
        return String.format("{\"samples\":%d,\"means\":%d,\"crossings\":%d}", samples, means, crossings);
    }
}
