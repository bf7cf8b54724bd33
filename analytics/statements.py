"""The SQL statements that count."""

# Piles: one per time, status and whether it claims; one per provider; one per service. Times are few, for they lie on a
# grid: only piles are cut into hours, not appointments. The ORM has no GROUPING SETS: `make bench` (analytics).
STANDING = """
WITH piles AS MATERIALIZED (
    SELECT grouping(r.starts_at, r.provider_id, r.service_id) AS axis, r.provider_id, r.service_id,
           r.starts_at, r.blocked_from, r.blocked_until, a.status,
           count(*) FILTER (WHERE r.starts_at >= %(start)s AND r.starts_at < %(until)s) AS begun,
           count(*) FILTER (WHERE r.status = 'confirmed') AS claims,
           sum(least(r.blocked_until, %(until)s) - greatest(r.blocked_from, %(start)s))
               FILTER (WHERE r.status = 'confirmed') AS claimed
    FROM booking_reservation r JOIN booking_appointment a ON a.reservation_id = r.id
    WHERE r.starts_at > %(start)s - %(behind)s::interval AND r.starts_at < %(until)s + %(ahead)s::interval
      AND r.blocked_from < %(until)s AND r.blocked_until > %(start)s {scope}
    GROUP BY GROUPING SETS (
        (r.starts_at, r.blocked_from, r.blocked_until, a.status), (r.provider_id, a.status), (r.service_id, a.status))
)
SELECT 'provider', provider_id, status, sum(begun)::bigint, sum(extract(epoch FROM claimed))::bigint
FROM piles WHERE axis = 5 GROUP BY 2, 3
UNION ALL
SELECT 'service', service_id, status, sum(begun)::bigint, sum(extract(epoch FROM claimed))::bigint
FROM piles WHERE axis = 6 GROUP BY 2, 3
UNION ALL
SELECT 'begun', width_bucket(starts_at, %(hours)s::timestamptz[]), status, sum(begun)::bigint, 0
FROM piles WHERE axis = 3 AND begun > 0 GROUP BY 2, 3
UNION ALL
SELECT 'claimed', hour, NULL, 0, sum(claims * extract(epoch FROM
           least(blocked_until, (%(hours)s::timestamptz[])[hour + 1])
           - greatest(blocked_from, (%(hours)s::timestamptz[])[hour])))::bigint
FROM piles, generate_series(
    width_bucket(greatest(blocked_from, %(start)s), %(hours)s::timestamptz[]),
    width_bucket(least(blocked_until, %(until)s) - interval '1 microsecond', %(hours)s::timestamptz[])) AS hour
WHERE axis = 3 AND claims > 0 GROUP BY 2
"""


# The ORM has no GROUPING SETS: `make bench` (analytics).
BOOKED = """
SELECT grouping(width_bucket(a.created_at, %(days)s::timestamptz[]), r.provider_id, r.service_id),
       width_bucket(a.created_at, %(days)s::timestamptz[]), r.provider_id, r.service_id,
       floor(date_part('epoch', r.starts_at - a.created_at) / 3600)::int, count(*)
FROM booking_appointment a JOIN booking_reservation r ON r.id = a.reservation_id
WHERE a.created_at >= %(start)s AND a.created_at < %(until)s AND 'past' <> ALL (r.overrides) {scope}
GROUP BY GROUPING SETS ((2), (3), (4), (5))
"""
"""Appointments that were past when they were imported do not count: they were not booked or cancelled here."""


# The ORM has no GROUPING SETS: `make bench` (analytics).
CANCELLED = """
SELECT grouping(width_bucket(e.at, %(days)s::timestamptz[]), r.provider_id, r.service_id),
       width_bucket(e.at, %(days)s::timestamptz[]), r.provider_id, r.service_id,
       floor(date_part('epoch', greatest(r.starts_at - e.at, interval '0')) / 3600)::int,
       count(*), count(*) FILTER (WHERE r.starts_at - e.at < %(late)s::interval)
FROM booking_appointmentevent e
JOIN booking_appointment a ON a.id = e.appointment_id JOIN booking_reservation r ON r.id = a.reservation_id
WHERE e.event = 'cancelled' AND e.at >= %(start)s AND e.at < %(until)s AND 'past' <> ALL (r.overrides) {scope}
GROUP BY GROUPING SETS ((2), (3), (4), (5))
"""


# The ORM has no set_config.
SETTINGS = """
SELECT set_config('work_mem', '64MB', true), set_config('plan_cache_mode', 'force_custom_plan', true)
"""
"""Settings for these statements only.

With the usual 4 MB, a million appointments are sorted in files. A generic plan, made for any span, treats each span as
short.
"""
