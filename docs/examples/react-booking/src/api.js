const API = import.meta.env.VITE_API ?? "http://127.0.0.1:8000/api/v1";

/** Return the answer, or throw the refusal: {errors: [{code, detail, attr}], details}. */
export async function call(method, path, { body, token } = {}) {
  const headers = body ? { "Content-Type": "application/json" } : {};
  if (token) headers.Authorization = `Guest ${token}`;
  const answer = await fetch(API + path, { method, headers, body: body && JSON.stringify(body) });
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw content;
  return content;
}
