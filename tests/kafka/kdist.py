#!/usr/bin/env python3
"""Makes a directory with bin/kafka-*.sh below target/, from Maven Central by way of pom.xml; prints its path.

    kdist.py [VERSION]        (default 4.3.1; 3.9.1 is the last that speaks the oldest protocol versions)

Needs Java 17 and Maven; where they are missing and this is root, apt-get brings them.
"""
import fcntl
import functools
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.lib import paths  # noqa: E402

VERSION = "4.3.1"
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath"
TOOLS = "org.apache.kafka.tools."
# script: the classes that it may be, whichever this version has
SCRIPTS = {
    "kafka-server-start.sh": ["kafka.Kafka"],
    "kafka-storage.sh": [TOOLS + "StorageTool", "kafka.tools.StorageTool"],
    "kafka-topics.sh": [TOOLS + "TopicCommand"],
    "kafka-console-producer.sh": [TOOLS + "ConsoleProducer", "kafka.tools.ConsoleProducer"],
    "kafka-console-consumer.sh": [TOOLS + "consumer.ConsoleConsumer", "kafka.tools.ConsoleConsumer"],
    "kafka-consumer-groups.sh": [TOOLS + "consumer.group.ConsumerGroupCommand"],
    "kafka-get-offsets.sh": [TOOLS + "GetOffsetShell"],
    "kafka-broker-api-versions.sh": [TOOLS + "BrokerApiVersionsCommand", "kafka.admin.BrokerApiVersionsCommand"],
    "kafka-configs.sh": [TOOLS + "ConfigCommand", "kafka.admin.ConfigCommand"],
    "kafka-producer-perf-test.sh": [TOOLS + "ProducerPerformance"],
    "kafka-consumer-perf-test.sh": [TOOLS + "ConsumerPerformance"],
    "kafka-e2e-latency.sh": [TOOLS + "EndToEndLatency"],
    "kafka-dump-log.sh": [TOOLS + "DumpLogSegments", "kafka.tools.DumpLogSegments"],
}
LOG4J2 = """rootLogger.level=${sys:kafka.log.level:-WARN}
rootLogger.appenderRef.err.ref=ERR
appender.err.type=Console
appender.err.name=ERR
appender.err.target=SYSTEM_ERR
appender.err.layout.type=PatternLayout
appender.err.layout.pattern=[%d] %p %m (%c)%n
"""
LOG4J1 = """log4j.rootLogger=WARN, ERR
log4j.appender.ERR=org.apache.log4j.ConsoleAppender
log4j.appender.ERR.target=System.err
log4j.appender.ERR.layout=org.apache.log4j.PatternLayout
log4j.appender.ERR.layout.ConversionPattern=[%d] %p %m (%c)%n
"""


class Unavailable(Exception):
    """There is no Java or no Maven here; the message says which."""


@functools.cache
def missing():
    """What is needed and not there, after trying to bring it: "" or a sentence."""
    def lacking():
        return [c for c in ("java", "mvn") if shutil.which(c) is None]
    if lacking() and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = {"java": "openjdk-17-jre-headless", "mvn": "maven"}
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "--no-install-recommends", *(packages[c] for c in lacking())]):
            subprocess.run(command, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    return f"{' and '.join(lacking())} not installed" if lacking() else ""


def _classes(jars):
    found = set()
    for jar in jars:
        with zipfile.ZipFile(jar) as z:
            found.update(n[:-6].replace("/", ".") for n in z.namelist() if n.endswith(".class") and "kafka/" in n)
    return found


def _write_scripts(made, classpath):
    old = "log4j-core" not in classpath
    config = made / ("log4j.properties" if old else "log4j2.properties")
    config.write_text(LOG4J1 if old else LOG4J2)
    logging = f"-Dlog4j.configuration=file:{config}" if old else f"-Dlog4j2.configurationFile={config}"
    jars = classpath.split(":")
    # kafka-clients.jar is on every path; only Kafka's own jars hold the tools
    known = _classes(j for j in jars if "/org/apache/kafka/" in j)
    (made / "bin").mkdir(exist_ok=True)
    for script, candidates in SCRIPTS.items():
        name = next((c for c in candidates if c in known), None)
        if name is None:
            raise Unavailable(f"this Kafka has none of {candidates}")
        path = made / "bin" / script
        path.write_text(f'#!/bin/sh\nexec java ${{KAFKA_HEAP_OPTS:--Xmx512m}} {logging} $KAFKA_OPTS \\\n  -cp "{classpath}" \\\n  {name} "$@"\n')
        path.chmod(0o755)


def ensure(version=VERSION):
    """The directory, made if it is not there. Raises Unavailable without Java or Maven."""
    given = os.environ.get("RINGWOOD_KDIST") if version == VERSION else None
    if given:
        return Path(given)
    if missing():
        raise Unavailable(missing())
    made = paths.scratch("kafka", version)
    with open(made / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (made / "complete").exists():
            pom, classpath = made / "pom.xml", made / "classpath.txt"
            shutil.copy(Path(__file__).with_name("pom.xml"), pom)
            command = ["mvn", "-q", "-B", "-f", pom, f"-Dkafka.version={version}", PLUGIN, f"-Dmdep.outputFile={classpath}"]
            ran = subprocess.run(command + ([] if version.startswith("3.") else ["-Plog4j2"]), capture_output=True, text=True, timeout=900)
            if ran.returncode:
                raise Unavailable(f"Maven could not bring Kafka {version}: {(ran.stdout + ran.stderr)[-2000:]}")
            _write_scripts(made, classpath.read_text().strip())
            (made / "complete").touch()
    return made


if __name__ == "__main__":
    try:
        print(ensure(*sys.argv[1:2]))
    except Unavailable as why:
        sys.exit(str(why))
