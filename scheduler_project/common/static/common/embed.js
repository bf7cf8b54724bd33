// Puts a provider's booking pages into somebody else's website, as high as they need to be:
//   <div data-scheduler="the-providers-address"></div>
//   <script src="https://the.scheduler/static/common/embed.js" async></script>
// The provider names the websites that may do so; elsewhere browsers leave the frame empty.
"use strict";

(() => {
  const origin = new URL(document.currentScript.src).origin;
  const frames = [];

  function embed(place) {
    const frame = document.createElement("iframe");
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const query = new URLSearchParams({ embed: "1", ...(zone && { timezone: zone }) });
    frame.src = `${origin}/p/${encodeURIComponent(place.dataset.scheduler)}/?${query}`;
    frame.title = place.dataset.title ?? "Scheduler";
    frame.style.cssText = "display: block; width: 100%; height: 40rem; border: 0; color-scheme: light dark";
    place.replaceChildren(frame);
    frames.push(frame);
  }

  addEventListener("message", (event) => {
    if (event.origin !== origin || event.data?.type !== "scheduler:height") return;
    const frame = frames.find((each) => each.contentWindow === event.source);
    const height = Number(event.data.height);
    if (frame && height > 0 && height < 20000) frame.style.height = `${Math.ceil(height)}px`;
  });

  const start = () => document.querySelectorAll("[data-scheduler]:empty").forEach(embed);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
