"""What a data centre on loopback has: day files and StationXML with several epochs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from pathlib import Path

from builders import trace_path
from obspy import Inventory, Trace, UTCDateTime
from obspy.core.inventory import Channel, Network, Site, Station
from obspy.core.inventory.response import (
    CoefficientsTypeResponseStage,
    InstrumentSensitivity,
    PolesZerosResponseStage,
    Response,
)


def write_days(root: Path, trace: Trace) -> list[Path]:
    """Cut a trace at midnight into day files of an SDS archive."""
    written = []
    day = trace.stats.starttime.datetime.replace(hour=0, minute=0, second=0, microsecond=0)
    while UTCDateTime(day) <= trace.stats.endtime:
        following = day + timedelta(days=1)
        part = trace.slice(UTCDateTime(day), UTCDateTime(following) - trace.stats.delta)
        if part.stats.npts:
            path = trace_path(root, trace, day)
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write(str(path), format="MSEED", encoding="STEIM2", reclen=512)
            written.append(path)
        day = following
    return written


@dataclass(frozen=True)
class Epoch:
    """A time with one instrument: flat to velocity, with a gain in counts per m/s."""

    start: str
    end: str | None
    gain: float = 1e9


def station_xml(
    network: str, station: str, epochs: Sequence[Epoch], channel: str = "HHZ", location: str = "", rate: float = 200.0
) -> bytes:
    """Return StationXML of one channel with several epochs."""
    channels = []
    for epoch in epochs:
        stages = [
            PolesZerosResponseStage(
                1,
                epoch.gain,
                5.0,
                "M/S",
                "V",
                pz_transfer_function_type="LAPLACE (RADIANS/SECOND)",
                normalization_frequency=5.0,
                zeros=[],
                poles=[],
                normalization_factor=1.0,
            ),
            CoefficientsTypeResponseStage(
                2,
                1.0,
                5.0,
                "V",
                "COUNTS",
                cf_transfer_function_type="DIGITAL",
                numerator=[],
                denominator=[],
                decimation_input_sample_rate=rate,
                decimation_factor=1,
                decimation_offset=0,
                decimation_delay=0.0,
                decimation_correction=0.0,
            ),
        ]
        channels.append(
            Channel(
                channel,
                location,
                -78.0,
                170.0,
                50.0,
                0.0,
                azimuth=0.0,
                dip=-90.0,
                sample_rate=rate,
                start_date=UTCDateTime(epoch.start),
                end_date=UTCDateTime(epoch.end) if epoch.end else None,
                response=Response(
                    instrument_sensitivity=InstrumentSensitivity(epoch.gain, 5.0, "M/S", "COUNTS"),
                    response_stages=stages,
                ),
            )
        )
    described = Station(station, -78.0, 170.0, 50.0, site=Site(name="on the shelf"), channels=channels)
    written = BytesIO()
    Inventory([Network(network, [described])], source="tests").write(written, format="STATIONXML")
    return written.getvalue()
