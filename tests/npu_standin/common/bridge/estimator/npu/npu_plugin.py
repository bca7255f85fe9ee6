"""npu_bridge.estimator.npu.npu_plugin: what is missing in the 2021 generation is missing here."""

from npu_bridge import npu_bridge_handle  # noqa: F401  (missing when the library did not load)
from standin import journal, loading
from standin.engine import engine

if engine.generation == 'v23':
    npu_close = loading.npu_close

    def is_inf_nan_enabled() -> bool:
        """False: the 910 saturates, it knows neither Inf nor NaN. From adapter r1.13 only."""
        journal.record('is_inf_nan_enabled')
        return False

    def set_device_sat_mode(mode: int) -> None:
        """Recorded only: the 910 always saturates. From adapter r1.13 only."""
        journal.record('set_device_sat_mode', mode=mode)
