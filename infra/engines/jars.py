"""The jars that Spark and Flink need beside their own wheels: from Maven Central, checked by SHA-256, cached."""

import os
from pathlib import Path

import pooch

pooch.get_logger().setLevel("WARNING")  # the set-up says what it fetches

MAVEN = os.environ.get("WORKSHOP_MAVEN", "https://repo1.maven.org/maven2")

SPARK = {
    "org.apache.hadoop:hadoop-aws:3.3.4": "53f9ae03c681a30a50aa17524bd9790ab596b28481858e54efd989a826ed3a4a",
    "com.amazonaws:aws-java-sdk-core:1.12.262": "06fed99f929c389e168278c1b111aaf1afb270d07202fbbce92e73d1e4279678",
    "com.amazonaws:aws-java-sdk-s3:1.12.262": "a0cb7580178bc0d4d3558295a5bb890008478da8a6b3241989c71238b0ed3be5",
    "com.amazonaws:aws-java-sdk-dynamodb:1.12.262": "7af4ba06d0d9b3c2ab435089caecd0567810d203aa285f7aa72861f1964d442e",
}
FLINK_LIB = {
    "org.apache.flink:flink-connector-kinesis:1.15.2": "3d9ec1e78e14abf91cc70a16999bdc14cdf397f4d1f6e4c18eb1db628e429b60",
    "commons-logging:commons-logging:1.2": "daddea1ea0be0f56978ab3006b8ac92834afeefbd9b7e4e6316fca57df0fa636",
    "com.fasterxml.jackson.core:jackson-annotations:2.15.2": "04e21f94dcfee4b078fa5a5f53047b785aaba69d19de392f616e7a7fe5d3882f",  # noqa: E501
    "com.fasterxml.jackson.core:jackson-core:2.15.2": "303c99e82b1faa91a0bae5d8fbeb56f7e2adf9b526a900dd723bf140d62bd4b4",
    "com.fasterxml.jackson.core:jackson-databind:2.15.2": "0eb2fdad6e40ab8832a78c9b22f58196dd970594e8d3d5a26ead87847c4f3a96",  # noqa: E501
    "com.fasterxml.jackson.dataformat:jackson-dataformat-cbor:2.15.2": "57ba89a43e631be2de67aeed846a659b15c6b82b7b254164f61bf3090ccc2ad1",  # noqa: E501
    "joda-time:joda-time:2.12.5": "10628411ecb40c4634196c544f34681abdeef826f377096357433d1f9a135bc6",
    "org.apache.flink:flink-runtime-web:1.20.5": "948e1b0d42fe99288cfddc3b10d7f7d20ee6a59a5ccae6d241807a8c25a12d88",
}
FLINK_S3_PLUGIN = {
    "org.apache.flink:flink-s3-fs-hadoop:1.20.1": "4dabe5d51519984f88d677c477b99c5e18cec924af2e41816da67df527a5c679",
}


def folder() -> Path:
    """Where downloaded jars are kept: outside the project, so that a new clone or a reset does not load them again."""
    return Path(os.environ.get("WORKSHOP_CACHE") or pooch.os_cache("analytics-workshop")) / "jars"


def fetch(jars: dict[str, str], progressbar: bool = False) -> list[Path]:
    """Return the jar files, downloading those that are not in the cache.

    Args:
        jars: Maven coordinates `group:artifact:version` -> SHA-256 of the jar (SPARK, FLINK_LIB or FLINK_S3_PLUGIN).
        progressbar: show a bar a download (needs tqdm).

    Raises:
        RuntimeError: a jar is not in the cache and cannot be downloaded, or its checksum is wrong.
    """
    return [_fetch_one(coordinates, sha256, progressbar) for coordinates, sha256 in jars.items()]


def _fetch_one(coordinates: str, sha256: str, progressbar: bool) -> Path:
    group, artifact, version = coordinates.split(":")
    name = f"{artifact}-{version}.jar"
    downloader = pooch.HTTPDownloader(progressbar=progressbar, timeout=60)
    try:
        path = pooch.retrieve(
            f"{MAVEN}/{group.replace('.', '/')}/{artifact}/{version}/{name}",
            known_hash=f"sha256:{sha256}",
            fname=name,
            path=folder(),
            downloader=downloader,
        )
    except ValueError as error:  # pooch: the hash of the downloaded file does not match
        raise RuntimeError(
            f"{name} from Maven Central has another checksum than expected, so it is not used."
        ) from error
    except OSError as error:  # requests' errors are OSErrors
        raise RuntimeError(
            f"{name} could not be downloaded from {MAVEN}: connect to the internet and run the set-up again "
            "(each jar is downloaded only once)."
        ) from error
    return Path(path)
