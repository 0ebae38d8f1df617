// Writes the java-*.hex and kafka-*.hex files into the directory given, with Kafka's own classes (made with 4.3.1):
// javac -cp KAFKA_LIBS Golden.java && java -cp KAFKA_LIBS:. Golden DIRECTORY

import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.function.Predicate;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;
import org.apache.kafka.common.record.internal.Record;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.PrimitiveRef;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogValidator;

public class Golden {
    static final long TIME = 1_700_000_000_000L;
    static Path directory;

    public static void main(String[] args) throws Exception {
        directory = Path.of(args[0]);
        for (CompressionType codec : CompressionType.values()) {
            save("java-v2-" + codec.name, build(2, codec, TimestampType.CREATE_TIME, 0, -1, -1, -1, false, -1));
            if (codec != CompressionType.ZSTD) {
                save("java-v1-" + codec.name, build(1, codec, TimestampType.CREATE_TIME, 0, -1, -1, -1, false, -1));
                save("java-v0-" + codec.name, build(0, codec, TimestampType.NO_TIMESTAMP_TYPE, 0, -1, -1, -1, false, -1));
            }
        }
        ByteBuffer plain = build(2, CompressionType.NONE, TimestampType.CREATE_TIME, 0, -1, -1, -1, false, -1);
        ByteBuffer appendTime = save("java-v2-append-time",
            build(2, CompressionType.NONE, TimestampType.LOG_APPEND_TIME, 1000, -1, -1, -1, false, 1_800_000_000_000L));
        ByteBuffer transactional = save("java-v2-transactional",
            build(2, CompressionType.LZ4, TimestampType.CREATE_TIME, 0, 4711, 3, 20, true, -1));
        ByteBuffer commit = save("java-v2-commit-marker", marker(7, ControlRecordType.COMMIT, 5));
        save("java-v2-abort-marker", marker(8, ControlRecordType.ABORT, 6));
        for (int magic = 0; magic < 2; magic++) {
            TimestampType type = magic == 0 ? TimestampType.NO_TIMESTAMP_TYPE : TimestampType.CREATE_TIME;
            ByteBuffer set = build(magic, CompressionType.NONE, type, 0, -1, -1, -1, false, -1);
            save("kafka-up-v" + magic + "-none", convert(set, TimestampType.CREATE_TIME));
            save("kafka-up-v" + magic + "-none-append-time", convert(set, TimestampType.LOG_APPEND_TIME));
        }
        save("kafka-kept-even", filter(plain, r -> r.offset() % 2 == 0, false));
        save("kafka-kept-odd-horizon", filter(plain, r -> r.offset() % 2 == 1, false));
        save("kafka-kept-none", filter(transactional, r -> false, false));
        save("kafka-kept-none-append-time", filter(appendTime, r -> false, false));
        save("kafka-kept-even-append-time", filter(appendTime, r -> r.offset() % 2 == 0, false));
        save("kafka-kept-marker", filter(commit, r -> true, true));
    }

    static ByteBuffer build(int magic, CompressionType codec, TimestampType type, long base, long producer, int epoch,
                            int sequence, boolean transactional, long appendTime) {
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(ByteBuffer.allocate(100_000), (byte) magic,
            Compression.of(codec).build(), type, base, appendTime, producer, (short) epoch, sequence, transactional,
            false, -1, 100_000);
        for (int n = 0; n < 10; n++) {
            ByteBuffer key = n % 5 == 4 ? null : ByteBuffer.wrap(bytes("key-" + n));
            ByteBuffer value = n == 7 ? null : ByteBuffer.wrap(bytes(("value-" + n + " ").repeat(10)));
            Header[] headers = {};
            if (n == 3 && magic == 2)
                headers = new Header[] {new RecordHeader("h", bytes("1")), new RecordHeader("h", bytes("2")),
                    new RecordHeader("n", null)};
            builder.append(magic == 0 ? -1 : TIME + n, key, value, headers);
        }
        return builder.build().buffer();
    }

    static ByteBuffer marker(long offset, ControlRecordType type, int coordinatorEpoch) {
        return MemoryRecords.withEndTransactionMarker(offset, TIME, 2, 4711, (short) 3,
            new EndTransactionMarker(type, coordinatorEpoch)).buffer();
    }

    /** What a broker of leader epoch 5 appends at offset 100. */
    static ByteBuffer convert(ByteBuffer set, TimestampType type) {
        Time stopped = (Time) Proxy.newProxyInstance(Golden.class.getClassLoader(), new Class<?>[] {Time.class},
            (proxy, method, arguments) -> TIME);
        LogValidator validator = new LogValidator(MemoryRecords.readableRecords(set.duplicate()),
            new TopicPartition("t", 0), stopped, CompressionType.NONE, Compression.NONE, false, (byte) 2, type, Long.MAX_VALUE, 3_600_000, 5,
            AppendOrigin.CLIENT);
        LogValidator.MetricsRecorder none = new LogValidator.MetricsRecorder() {
            @Override public void recordInvalidMagic() { }
            @Override public void recordInvalidOffset() { }
            @Override public void recordInvalidSequence() { }
            @Override public void recordInvalidChecksums() { }
            @Override public void recordNoKeyCompactedTopic() { }
        };
        return validator.validateMessagesAndAssignOffsets(PrimitiveRef.ofLong(100), none, BufferSupplier.NO_CACHING)
            .validatedRecords().buffer();
    }

    /** What compaction leaves at time 5000 with `delete.retention.ms` = 1000. */
    static ByteBuffer filter(ByteBuffer batch, Predicate<Record> keep, boolean emptyTransaction) {
        ByteBuffer out = ByteBuffer.allocate(100_000);
        MemoryRecords.readableRecords(batch.duplicate()).filterTo(new MemoryRecords.RecordFilter(5000, 1000) {
            @Override protected BatchRetentionResult checkBatchRetention(RecordBatch batch) {
                return new BatchRetentionResult(BatchRetention.RETAIN_EMPTY, emptyTransaction);
            }
            @Override protected boolean shouldRetainRecord(RecordBatch batch, Record record) {
                return keep.test(record);
            }
        }, out, BufferSupplier.NO_CACHING);
        return out.flip();
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    static ByteBuffer save(String name, ByteBuffer buffer) throws Exception {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        String hex = HexFormat.of().formatHex(bytes).replaceAll("(.{1,128})", "$1\n");
        Files.writeString(directory.resolve(name + ".hex"), hex);
        return buffer;
    }
}
