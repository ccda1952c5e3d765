// Puts the live part of a study's page in place again and again, as long as the study changes.
"use strict";
(() => {
  const LONGEST = 30; // seconds between two looks while the server is away
  const live = document.getElementById("live");
  const away = document.getElementById("away");
  const since = document.getElementById("away-since");
  let etag = null;
  let seen = new Date();
  let failures = 0;
  let timer = null;

  const every = () => Number(live.querySelector("[data-every]")?.dataset.every || 0);

  const later = () => {
    clearTimeout(timer);
    const pause = failures ? Math.min(LONGEST, (every() || 5) * 2 ** (failures - 1)) : every();
    if (pause && !document.hidden) timer = setTimeout(look, pause * 1000);
  };

  const put = (html) => {
    const open = [...live.querySelectorAll("details[open][id]")].map((each) => each.id);
    const focused = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    live.innerHTML = html;
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    if (focused) [...live.querySelectorAll("a[href]")].find((each) => each.getAttribute("href") === focused)?.focus();
    document.title = live.querySelector("[data-title]")?.dataset.title || document.title;
  };

  const look = async () => {
    try {
      const answer = await fetch(live.dataset.url, { cache: "no-cache", signal: AbortSignal.timeout(20000) });
      if (answer.redirected || answer.status === 401) return location.reload(); // the login has run out
      if (!answer.ok) throw new Error(String(answer.status));
      const html = await answer.text();
      const tag = answer.headers.get("ETag");
      if (tag === null || tag !== etag) put(html);
      etag = tag;
      seen = new Date();
      failures = 0;
    } catch {
      failures += 1;
      since.textContent = seen.toLocaleTimeString();
    }
    away.hidden = failures < 2;
    later();
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden && (every() || failures)) look();
  });
  later();
})();
