"""npu_bridge.estimator.npu.npu_plugin: what is missing in the 2021 generation is missing here."""

from npu_bridge import npu_bridge_handle  # noqa: F401  (missing when the library did not load)
from standin import journal, loading, settings
from standin.engine import engine

if engine.since('v23'):
    npu_close = loading.npu_close

    def is_inf_nan_enabled() -> bool:
        """Whether the device knows Inf and NaN: the 910 saturates, an A2 does not. From adapter r1.13 only."""
        journal.record('is_inf_nan_enabled')
        return settings.inf_nan()

    def set_device_sat_mode(mode: int) -> None:
        """Recorded only. From adapter r1.13 only."""
        journal.record('set_device_sat_mode', mode=mode)
