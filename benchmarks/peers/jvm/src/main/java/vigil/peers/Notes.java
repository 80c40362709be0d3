package vigil.peers;

import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;

/** What a contender says of itself: the same lines as benchmarks/peers/notes.py writes. */
final class Notes {
    private static final com.sun.management.OperatingSystemMXBean SYSTEM =
        (com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private final FileOutputStream file;
    private final long total = Long.parseLong(System.getenv("BENCH_MESSAGES"));
    private final long step = Math.max(total / 50, 1);
    private long done, told, samples;

    Notes() {
        try {
            file = new FileOutputStream(System.getenv("BENCH_OBSERVATION"), true);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** One more message was handled by a job, whose counts are read. */
    void done(Job job) {
        done++;
        if (done - told < step && done < total) {
            return;
        }
        if (done == total) {
            write("{\"found\":" + job.found() + "}");
        }
        write(String.format("{\"at\":%d,\"cpu\":%d,\"messages\":%d,\"samples\":%d}",
            System.currentTimeMillis() * 1_000_000, SYSTEM.getProcessCpuTime(), done - told, job.samples() - samples));
        told = done;
        samples = job.samples();
    }

    private void write(String line) {
        try {
            file.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What both jobs can say. */
    interface Job {
        long samples();

        String found();
    }
}
