// What pages do better with JavaScript. Everything works without; nothing here decides anything.
"use strict";

// The visitor's timezone, told to the server once, so that times are shown in it from then on.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shown = document.querySelector("[data-zone]");
  const name = shown?.dataset.zoneCookie;
  const known = () => document.cookie.split("; ").some((cookie) => cookie.startsWith(`${name}=`));
  if (!zone || !name || known() || !navigator.cookieEnabled) return;
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${zone}; path=/; max-age=31536000; samesite=lax${secure}`;
  if (known() && shown.dataset.zone !== zone) location.reload();
})();

// `data-submit`: a select or checkbox that sends its form as soon as it changes; its button is then not needed.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});
for (const field of document.querySelectorAll("[data-submit]")) {
  for (const button of field.form.querySelectorAll("[data-unneeded]")) button.hidden = true;
}

// `data-confirm="Really?"`: asked before a form is sent.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// `data-copy="#id"`: a button that copies the text or value of what it names, and says so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  button.textContent = button.dataset.copied;
});

// `data-until="2027-03-04T12:30:00Z"`: counts down. It is spoken at whole minutes, and every ten seconds in the last.
// `data-now` is the server's clock, should the visitor's be wrong. At the end the page is loaded anew; where there is a
// button `data-over`, its form is sent instead, lest what somebody is typing be lost.
function countDown(clock) {
  const live = clock.parentElement.querySelector("[data-spoken]");
  const until = Date.parse(clock.dataset.until) + (clock.dataset.now ? Date.now() - Date.parse(clock.dataset.now) : 0);
  let said = "";
  const tick = () => {
    if (!clock.isConnected) return;
    const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    const text = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    clock.textContent = text;
    if (live && (left % 60 === 0 || (left < 60 && left % 10 === 0)) && said !== text) {
      live.textContent = said = text;
    }
    const over = document.querySelector("[data-over]");
    if (left === 0 && over) over.form.requestSubmit(over);
    else if (left === 0) location.reload();
    else setTimeout(tick, 1000 - (Date.now() % 1000));
  };
  tick();
}

// Where the sections do not fit side by side, the one that is shown is brought into view.
function showSection() {
  for (const row of document.querySelectorAll(".dashboard-nav ul, .tabs")) {
    const here = row.querySelector("[aria-current]");
    if (here) row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
  }
}
showSection();

function prepare(root) {
  for (const clock of root.querySelectorAll("[data-until]")) countDown(clock);
}
prepare(document);

// After htmx has put something in: the focus goes to what asks for it, so that nobody has to look for the news.
document.addEventListener("htmx:afterSettle", (event) => {
  prepare(event.detail.elt);
  showSection();
  const news = event.detail.elt.querySelector("[data-focus]") ?? (event.detail.elt.matches("[data-focus]") && event.detail.elt);
  if (news) news.focus({ preventScroll: false });
});

// Answers that refuse are pages too: 4xx are put in like others.
document.addEventListener("htmx:beforeSwap", (event) => {
  const status = event.detail.xhr.status;
  if (status >= 400 && status < 500) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// `data-quietly`: what looks for news by itself does not while nobody looks at the page.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.matches("[data-quietly]")) event.preventDefault();
});

// Inside somebody else's page: tell it how high this one is.
if (document.querySelector("[data-embedded]") && parent !== window) {
  const tell = () => parent.postMessage({ type: "scheduler:height", height: document.body.scrollHeight }, "*");
  new ResizeObserver(tell).observe(document.body);
}
