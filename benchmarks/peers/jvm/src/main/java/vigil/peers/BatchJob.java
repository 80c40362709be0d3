package vigil.peers;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** The job "batch" of benchmarks/peers/job.py, in plain arrays: a ring, running sums and monotonic queues a series. */
final class BatchJob implements Notes.Job {
    private static final int HEAD = 56, SAMPLE = 16, VITALS = 4, HOLD = 10, HOLE = 60, RING = 512, MASK = RING - 1;
    private static final int[] WINDOWS = {60, 300};
    private static final int[] SIGN = {1, 1, -1, 1};
    private static final int[] BOUND = {1300, 32000, -880, 300};
    private static final long START = 1_700_000_000L; // seconds count from here, so that sums stay small
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle FLOAT = MethodHandles.byteArrayViewVarHandle(float[].class, ByteOrder.LITTLE_ENDIAN);

    private final Map<Integer, Patient> patients = new HashMap<>();
    private final long[] n = new long[2];
    private final double[] mean = new double[2], min = new double[2], max = new double[2], std = new double[2],
        slope = new double[2];
    private long samples, episodes;

    private static final class Patient {
        int at;
        final Series[] series = new Series[VITALS];
    }

    /** Seconds in order; the newest of a queue of minima (maxima) is greater (smaller) than those before. */
    private static final class Queue {
        final int[] second = new int[RING];
        int head, tail;
    }

    private static final class Window {
        long n, t, tt, v, vv, tv;
        final Queue low = new Queue(), high = new Queue();
    }

    private static final class Series {
        final short[] ring = new short[RING];
        final Window[] windows = {new Window(), new Window()};
        int since, newest = Integer.MIN_VALUE / 2;
        boolean going, told;

        Series() {
            java.util.Arrays.fill(ring, (short) -1);
        }
    }

    /** One record and its timestamp in ms. */
    void take(byte[] message, long timestamp) {
        if (message[1] != 1) {
            return;
        }
        int now = (int) (timestamp / 1000 - START);
        Patient patient = patients.get((int) INT.get(message, 12));
        if (patient == null) {
            patient = new Patient();
            for (int i = 0; i < VITALS; i++) {
                patient.series[i] = new Series();
            }
            patients.put((int) INT.get(message, 12), patient);
        } else {
            for (Series series : patient.series) {
                pass(series, patient.at, now);
            }
        }
        patient.at = now;
        for (int at = HEAD; at < message.length; at += SAMPLE) {
            samples++;
            if (message[at + 13] == 0) {
                int which = message[at + 12] - 1;
                int second = (int) ((long) LONG.get(message, at) / 1000 - START);
                int value = (int) Math.rint((double) (float) FLOAT.get(message, at + 8) * 10);
                add(patient.series[which], now, second, value);
                follow(patient.series[which], second, SIGN[which] * value > BOUND[which]);
            }
        }
    }

    private void add(Series series, int now, int second, int value) {
        series.ring[second & MASK] = (short) value;
        for (int w = 0; w < 2; w++) {
            if (second < now - WINDOWS[w]) {
                continue; // it has left before it came
            }
            Window window = series.windows[w];
            window.n++;
            window.t += second;
            window.tt += (long) second * second;
            window.v += value;
            window.vv += (long) value * value;
            window.tv += (long) value * second;
            Queue low = window.low;
            while (low.tail != low.head && series.ring[low.second[(low.tail - 1) & MASK] & MASK] >= value) {
                low.tail--;
            }
            low.second[low.tail++ & MASK] = second;
            Queue high = window.high;
            while (high.tail != high.head && series.ring[high.second[(high.tail - 1) & MASK] & MASK] <= value) {
                high.tail--;
            }
            high.second[high.tail++ & MASK] = second;
        }
    }

    /** The figures of each second after {@code from}, up to {@code now}. */
    private void pass(Series series, int from, int now) {
        for (int w = 0; w < 2; w++) {
            Window window = series.windows[w];
            for (int s = from + 1; s <= now; s++) {
                int gone = s - 1 - WINDOWS[w];
                int value = gone < 0 ? -1 : series.ring[gone & MASK];
                if (value >= 0) {
                    window.n--;
                    window.t -= gone;
                    window.tt -= (long) gone * gone;
                    window.v -= value;
                    window.vv -= (long) value * value;
                    window.tv -= (long) value * gone;
                    if (window.low.second[window.low.head & MASK] == gone) {
                        window.low.head++;
                    }
                    if (window.high.second[window.high.head & MASK] == gone) {
                        window.high.head++;
                    }
                    if (w == 1) {
                        series.ring[gone & MASK] = -1;
                    }
                }
                n[w] += window.n;
                if (window.n >= 2) {
                    long count = window.n;
                    mean[w] += (double) window.v / count;
                    min[w] += series.ring[window.low.second[window.low.head & MASK] & MASK];
                    max[w] += series.ring[window.high.second[window.high.head & MASK] & MASK];
                    std[w] += Math.sqrt((double) (count * window.vv - window.v * window.v) / (count * (count - 1)));
                    double each = (double) (count * window.tv - window.t * window.v)
                        / (count * window.tt - window.t * window.t);
                    slope[w] += each * each;
                }
            }
        }
    }

    private void follow(Series series, int second, boolean beyond) {
        if (!beyond) {
            series.going = false;
        } else {
            if (!series.going || second - series.newest > HOLE) {
                series.since = second;
                series.going = true;
                series.told = false;
            }
            if (!series.told && second - series.since >= HOLD) {
                episodes++;
                series.told = true;
            }
        }
        series.newest = second;
    }

    @Override
    public long samples() {
        return samples;
    }

    @Override
    public String found() {
        StringBuilder out = new StringBuilder(String.format("{\"samples\":%d,\"episodes\":%d", samples, episodes));
        for (int w = 0; w < 2; w++) {
            out.append(String.format(Locale.ROOT,
                ",\"n %1$d\":%2$d,\"mean %1$d\":%3$.17g,\"min %1$d\":%4$.17g,\"max %1$d\":%5$.17g,\"std %1$d\":%6$.17g,"
                    + "\"slope² %1$d\":%7$.17g", WINDOWS[w], n[w], mean[w], min[w], max[w], std[w], slope[w]));
        }
        return out.append('}').toString();
    }
}
