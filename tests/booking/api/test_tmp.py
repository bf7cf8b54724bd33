import time
from tests.factories import *
def test_a(db, booker):
    t=time.perf_counter(); p=open_provider(); print("open", time.perf_counter()-t)
    t=time.perf_counter(); p=open_provider(); print("open", time.perf_counter()-t)
    t=time.perf_counter(); p=open_provider(horizon_days=7); print("open7", time.perf_counter()-t)
    t=time.perf_counter(); h=hold(p, at("2026-03-04 10:00"), client=booker); print("hold", time.perf_counter()-t)
    t=time.perf_counter(); a=appoint(p, at("2026-03-04 12:00"), client=booker); print("appoint", time.perf_counter()-t)
def test_b(provider): pass
def test_c(provider): pass
def test_d(provider_api, provider, booker_api, staff_api):
    t=time.perf_counter(); r=provider_api.get(f"/api/slots?provider={provider.pk}"); print("slots", time.perf_counter()-t, r.status_code)
    t=time.perf_counter(); r=provider_api.get(f"/api/appointments"); print("appts", time.perf_counter()-t, r.status_code)
    t=time.perf_counter(); r=provider_api.get(f"/api/appointments"); print("appts", time.perf_counter()-t, r.status_code, r.json())
