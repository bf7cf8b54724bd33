// Book your next free time for a client of yours, with types generated from the API: `npm run book -- NAME EMAIL`.
//
// The environment has SITE, such as https://appointments.example.org, and SCHEDULER_KEY, an API key of a provider with
// the scopes `read`, `book` and `manage`.

import createClient from "openapi-fetch";

import type { components, paths } from "./scheduler.js";

type Refusal = components["schemas"]["Refusal"];

/** A refusal of the API. Branch on `code`, and show `message` to people. */
class Refused extends Error {
  code: string | undefined;

  constructor(refusal: Refusal) {
    super(refusal.errors[0]?.detail);
    this.code = refusal.errors[0]?.code;
  }
}

const api = createClient<paths>({
  baseUrl: process.env.SITE ?? "http://127.0.0.1:8000",
  headers: { Authorization: `Bearer ${process.env.SCHEDULER_KEY}` },
});

/** Return what a call answers. Throws `Refused` for a refusal. */
async function good<T>(call: Promise<{ data?: T; error?: Refusal }>): Promise<T> {
  const { data, error } = await call;
  if (error) throw new Refused(error);
  return data as T;
}

/** Return the id of the client with this email, who is added if there is none. */
async function clientCalled(name: string, email: string): Promise<number> {
  const added = await api.POST("/api/v1/clients", { body: { name, email } });
  if (added.error?.errors[0]?.code === "client_exists") {
    const { results } = await good(api.GET("/api/v1/clients", { params: { query: { search: email } } }));
    if (results[0]) return results[0].id;
  }
  const client = await good(Promise.resolve(added));
  if (!("id" in client)) throw new Error("This key is not that of a provider.");
  return client.id;
}

async function main(name: string, email: string): Promise<void> {
  const { provider } = await good(api.GET("/api/v1/me"));
  if (!provider) throw new Error("This key is not that of a provider.");
  const client = await clientCalled(name, email);
  const time = await good(api.GET("/api/v1/slots/next", { params: { query: { provider: provider.id } } }));
  if (!time) throw new Error("No time is free.");
  const held = await good(
    api.POST("/api/v1/reservations", { body: { provider: provider.id, client, start_time: time.start_time } }),
  );
  const booked = await good(
    api.POST("/api/v1/reservations/{id}/confirm", { params: { path: { id: held.id } }, body: { confirmed: true } }),
  );
  console.log(`${name} is booked for ${booked.start_time}: appointment ${booked.id}, ${booked.status}`);
}

const [name, email] = process.argv.slice(2);
if (!name || !email) throw new Error("Name the client, and their email.");
await main(name, email);
