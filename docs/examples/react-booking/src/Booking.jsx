import { useEffect, useState } from "react";

import { call } from "./api.js";

const timezone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const inWords = (time) => new Date(time).toLocaleString([], { dateStyle: "full", timeStyle: "short" });
const fields = (event) => {
  event.preventDefault();
  return Object.fromEntries(new FormData(event.target));
};

/** The journey of a guest: choose, details, confirm, booked, cancelled. Tokens are kept in memory only. */
export function Booking() {
  const [providers, setProviders] = useState([]);
  const [provider, setProvider] = useState("");
  const [times, setTimes] = useState([]);
  const [stage, setStage] = useState("choose");
  const [held, setHeld] = useState(null);
  const [appointment, setAppointment] = useState(null);
  const [refusal, setRefusal] = useState(null);

  /** Run a step. A refusal is shown, with the free times nearby if there are any. */
  async function step(work) {
    setRefusal(null);
    try {
      await work();
    } catch (error) {
      setRefusal(error.errors ? error : { errors: [{ detail: "The site does not answer. Try again." }] });
    }
  }

  useEffect(() => {
    step(async () => {
      const { results } = await call("GET", "/providers");
      setProviders(results);
      setProvider(results[0]?.id ?? "");
    });
  }, []);

  useEffect(() => {
    if (!provider) return;
    const query = new URLSearchParams({ provider, timezone, page_size: 12 });
    step(async () => setTimes((await call("GET", `/slots?${query}`)).results));
  }, [provider]);

  const hold = (slot) =>
    step(async () => {
      setHeld(await call("POST", `/slots/${slot}/reserve`, { body: {}, token: held?.guest_token }));
      setStage("details");
    });
  const sendDetails = (event) => {
    const body = fields(event);
    step(async () => {
      await call("POST", `/reservations/${held.id}/details`, { body, token: held.guest_token });
      setStage("confirm");
    });
  };
  const confirm = (event) => {
    const body = { confirmed: true, ...fields(event) };
    step(async () => {
      setAppointment(await call("POST", `/reservations/${held.id}/confirm`, { body, token: held.guest_token }));
      setStage("booked");
    });
  };
  const cancel = () =>
    step(async () => {
      await call("POST", `/appointments/${appointment.id}/cancel`, { body: {}, token: appointment.guest_token });
      setStage("cancelled");
    });

  return (
    <main>
      <h1>Book an appointment</h1>
      <p role="alert">{refusal?.errors.map((error) => error.detail).join(" ")}</p>
      <Times times={refusal?.details?.alternatives ?? []} onPick={hold} />
      {stage === "choose" && (
        <section id="choose">
          <label>
            With{" "}
            <select value={provider} onChange={(event) => setProvider(event.target.value)}>
              {providers.map((one) => (
                <option key={one.id} value={one.id}>
                  {one.name}
                </option>
              ))}
            </select>
          </label>
          <div id="times">
            <Times times={times} onPick={hold} />
          </div>
        </section>
      )}
      {stage === "details" && (
        <form onSubmit={sendDetails}>
          <h2>{inWords(held.start_time)}</h2>
          <label>
            Name <input name="name" required autoComplete="name" />
          </label>
          <label>
            Email <input name="email" type="email" required autoComplete="email" />
          </label>
          <button>Send me a code</button>
        </form>
      )}
      {stage === "confirm" && (
        <form onSubmit={confirm}>
          <label>
            Code from the mail <input name="code" required inputMode="numeric" autoComplete="one-time-code" />
          </label>
          <button>Confirm</button>
        </form>
      )}
      {stage === "booked" && (
        <section>
          <h2>Booked: {inWords(appointment.start_time)}</h2>
          <button onClick={cancel}>Cancel appointment</button>
        </section>
      )}
      {stage === "cancelled" && <h2>Cancelled</h2>}
    </main>
  );
}

function Times({ times, onPick }) {
  return times.map((time) => (
    <button key={time.start_time} onClick={() => onPick(time.slot ?? time.id)}>
      {inWords(time.start_time)}
    </button>
  ));
}
