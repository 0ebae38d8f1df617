import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Map;
import java.util.NavigableMap;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;

import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.Struct;
import org.apache.kafka.common.protocol.types.TaggedFields;
import org.apache.kafka.common.protocol.types.Type;

/**
 * Prints what Apache Kafka's own message classes make of random values, for Ringwood's tests to compare with.
 *
 * Arguments: names of messages and persisted records. For every version that a class has: values are drawn by the class's schema, read by the
 * class, and written again. Lines:
 *
 *   NAME VERSION HEX              the class writes this ("-" for nothing)
 *   NAME FROM>TO HEX HEX          read in FROM and written in TO (for defaults, and for what may be dropped)
 *   NAME FROM>TO HEX !            the class refuses to write it in TO
 */
public class GoldenBytes {
    private static final int SAMPLES = 2;
    private final Random random;
    /** How often something is null, empty or absent, of 100. */
    private final int bareness;

    GoldenBytes(long seed, int bareness) {
        this.random = new Random(seed);
        this.bareness = bareness;
    }

    public static void main(String[] names) throws Exception {
        for (String name : names) {
            one(find(name));
        }
    }

    /** Where the generated classes live. */
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.common.metadata.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.coordinator.transaction.generated.",
    };

    private static Class<?> find(String name) throws ClassNotFoundException {
        for (String place : PACKAGES) {
            for (String suffix : new String[] {"", "Data"}) {
                try {
                    return Class.forName(place + name + suffix);
                } catch (ClassNotFoundException e) {
                    continue;
                }
            }
        }
        throw new ClassNotFoundException(name);
    }

    private static void one(Class<?> type) throws Exception {
        String name = type.getSimpleName().replaceFirst("(Request|Response)Data$", "$1");
        Schema[] schemas = (Schema[]) type.getField("SCHEMAS").get(null);
        short lowest = type.getField("LOWEST_SUPPORTED_VERSION").getShort(null);
        short highest = type.getField("HIGHEST_SUPPORTED_VERSION").getShort(null);
        for (short version = lowest; version <= highest; version++) {
            for (int sample = 0; sample < SAMPLES; sample++) {
                long seed = name.hashCode() * 1000L + version * 10 + sample;
                GoldenBytes values = new GoldenBytes(seed, sample == 0 ? 0 : 45);
                ByteBuffer drawn = values.draw(schemas[version]);
                Message message = read(type, drawn, version);
                String own = write(message, version);
                System.out.println(name + " " + version + " " + own);
                for (int to : new TreeSet<>(List.of((int) lowest, version - 1, version + 1, (int) highest))) {
                    if (to == version || to < lowest || to > highest) {
                        continue;
                    }
                    byte[] bytes = HexFormat.of().parseHex(own.replace("-", ""));
                    String there = write(read(type, ByteBuffer.wrap(bytes), version), (short) to);
                    System.out.println(name + " " + version + ">" + to + " " + own + " " + there);
                }
            }
        }
    }

    private static Message read(Class<?> type, ByteBuffer bytes, short version) throws Exception {
        Constructor<?> constructor = type.getConstructor(Readable.class, short.class);
        try {
            return (Message) constructor.newInstance(new ByteBufferAccessor(bytes.duplicate()), version);
        } catch (InvocationTargetException e) {
            throw new IllegalStateException(type + " " + version, e.getCause());
        }
    }

    private static String write(Message message, short version) {
        try {
            ObjectSerializationCache cache = new ObjectSerializationCache();
            byte[] bytes = new byte[message.size(cache, version)];
            message.write(new ByteBufferAccessor(ByteBuffer.wrap(bytes)), cache, version);
            return bytes.length == 0 ? "-" : HexFormat.of().formatHex(bytes);
        } catch (UnsupportedVersionException | NullPointerException e) {
            return "!";
        }
    }

    private ByteBuffer draw(Schema schema) {
        Struct struct = struct(schema);
        ByteBuffer buffer = ByteBuffer.allocate(schema.sizeOf(struct));
        schema.write(buffer, struct);
        buffer.flip();
        return buffer;
    }

    private Struct struct(Schema schema) {
        Struct struct = new Struct(schema);
        for (BoundField field : schema.fields()) {
            struct.set(field, value(field.def.type));
        }
        return struct;
    }

    /** 3.9 has no accessor for them. */
    @SuppressWarnings("unchecked")
    private static Map<Integer, Field> fields(TaggedFields type) {
        try {
            java.lang.reflect.Field fields = TaggedFields.class.getDeclaredField("fields");
            fields.setAccessible(true);
            return (Map<Integer, Field>) fields.get(type);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private boolean bare() {
        return random.nextInt(100) < bareness;
    }

    private Object value(Type type) {
        if (type instanceof TaggedFields) {
            NavigableMap<Integer, Object> tagged = new TreeMap<>();
            fields((TaggedFields) type).forEach((tag, field) -> {
                if (!bare()) {
                    tagged.put(tag, value(field.type));
                }
            });
            return tagged;
        }
        if (type.isNullable() && bare()) {
            return null;
        }
        if (type instanceof Schema) {
            return struct((Schema) type);
        }
        if (type.arrayElementType().isPresent()) {
            Object[] array = new Object[bare() ? 0 : 1 + random.nextInt(2)];
            for (int i = 0; i < array.length; i++) {
                array[i] = value(type.arrayElementType().get());
            }
            return array;
        }
        return primitive(((Type.DocumentedType) type).typeName());
    }

    private byte[] bytes(int most) {
        byte[] bytes = new byte[bare() ? 0 : 1 + random.nextInt(most)];
        random.nextBytes(bytes);
        return bytes;
    }

    private Object primitive(String name) {
        switch (name) {
            case "BOOLEAN": return random.nextBoolean();
            case "INT8": return (byte) random.nextInt();
            case "INT16": return (short) random.nextInt();
            case "UINT16": return random.nextInt(1 << 16);
            case "INT32": return random.nextInt();
            case "UINT32": return random.nextInt() & 0xffffffffL;
            case "INT64": return random.nextLong();
            case "FLOAT64": return random.nextDouble();
            case "UUID": return new Uuid(random.nextLong(), random.nextLong());
            default: break;
        }
        if (name.endsWith("STRING")) {
            StringBuilder text = new StringBuilder();
            for (int i = bare() ? 0 : 1 + random.nextInt(4); i > 0; i--) {
                text.append("abcdefghijklmnopqrstuvwxyz-_.\u00e9\u20ac".charAt(random.nextInt(31)));
            }
            return text.toString();
        }
        if (name.endsWith("RECORDS")) {
            return records(ByteBuffer.wrap(bytes(8)));
        }
        if (name.endsWith("BYTES")) {
            return ByteBuffer.wrap(bytes(8));
        }
        throw new IllegalArgumentException(name);
    }

    /** The class moved between 3.9 and 4.3. */
    private static Object records(ByteBuffer bytes) {
        for (String name : new String[] {"internal.MemoryRecords", "MemoryRecords"}) {
            try {
                Class<?> type = Class.forName("org.apache.kafka.common.record." + name);
                return type.getMethod("readableRecords", ByteBuffer.class).invoke(null, bytes);
            } catch (ClassNotFoundException e) {
                continue;
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
        throw new IllegalStateException("no MemoryRecords");
    }
}
