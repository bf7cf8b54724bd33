# One image for web, worker, beat and migrations; docker-compose.yml shows them together.

FROM python:3.13-slim AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1

FROM base AS packages
COPY requirements.txt ./
# The embedded servers stay out: containers are given a DATABASE_URL and a REDIS_URL.
RUN grep -v -- '-embedded\|embedded-' requirements.txt > served.txt \
    && python -m venv /opt/venv \
    && pip install --no-cache-dir --requirement served.txt

FROM base
RUN useradd --system --uid 10001 --no-create-home scheduler
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
# The settings load only with these; none of them is used or kept.
RUN SECRET_KEY=build DATABASE_URL=postgres://build/build REDIS_URL=redis://build python manage.py collectstatic --noinput
USER scheduler

ENV HOST=0.0.0.0 \
    PORT=8000
EXPOSE 8000
CMD ["python", "-m", "scheduler_project.serve"]
