/* Starts Redoc on the documentation of the API: in the colours of our pages, light or dark, and for the keyboard too. */

"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const place = document.getElementById("reference");

function theme() {
  const [text, faint, paper, sunken, line, ink, good, warn, bad] = dark.matches
    ? ["#e8ecea", "#a5b0af", "#1d2324", "#262d2e", "#343d3e", "#6fd3c5", "#84d69a", "#f0c274", "#ff9f94"]
    : ["#1b2226", "#566067", "#ffffff", "#f4f5f2", "#d9ddd7", "#0a655d", "#1b6b34", "#7d4a00", "#a5261d"];
  const fonts = "system-ui, sans-serif";
  return {
    colors: {
      primary: { main: ink },
      success: { main: good },
      warning: { main: warn },
      error: { main: bad },
      text: { primary: text, secondary: faint },
      border: { dark: line, light: line },
    },
    schema: { nestedBackground: sunken, typeNameColor: faint, typeTitleColor: faint, requireLabelColor: bad },
    typography: {
      fontFamily: fonts,
      fontSize: "16px",
      headings: { fontFamily: fonts, fontWeight: "600" },
      code: { color: text, backgroundColor: sunken, fontSize: "14px", wrap: true },
      links: { color: ink, visited: ink, hover: ink, textDecoration: "underline" },
    },
    sidebar: { backgroundColor: sunken, textColor: text, activeTextColor: ink },
    rightPanel: { backgroundColor: dark.matches ? "#141819" : "#1b2f33" },
    fab: { backgroundColor: paper, color: ink },
  };
}

Redoc.init(place.dataset.schema, { theme: theme(), hideLoading: true, expandResponses: "200,201", jsonSampleExpandLevel: 3, sortRequiredPropsFirst: true }, place, (error) => {
  if (error) place.textContent = "The API's documentation could not be loaded. Try again in a moment.";
  else document.querySelector(".api-content")?.setAttribute("id", "content");
});

dark.addEventListener("change", () => location.reload()); // Redoc takes its colours once.

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // The address is Redoc's.
  const content = document.getElementById("content");
  content?.setAttribute("tabindex", "-1");
  content?.focus();
});

place.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[role=menuitem]")) event.target.click();
});
