// Keeps an open page true: fetches the part that changes, says how old the data are, and never lets an old page look new.
// Everything works without it, too: the page then reloads itself.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const every = 2000, patience = 5000, giveUp = 9000; // ms: between requests, for one, and for the last good answer
  const stale = document.getElementById("stale"), age = document.getElementById("age");
  const clock = document.getElementById("clock"), hands = handsOf(live.dataset.zone);
  const now = () => performance.now() / 1000;
  const say = (what, span, at = "") => stale.dataset[what].replace("{span}", span).replace("{at}", at); // in the language of the page
  let etag = live.dataset.etag, answered = now(), timer = 0, running = false, ended = "";
  let server = Number(live.dataset.now), limit = Number(live.dataset.limit);
  let dataAge = live.dataset.age === "" ? null : Number(live.dataset.age);

  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  function span(seconds) {
    const whole = Math.max(0, Math.floor(seconds));
    for (let i = 0; i < units.length; i++) {
      const [length, unit] = units[i];
      if (whole >= length) {
        const count = Math.floor(whole / length), rest = whole % length;
        const smaller = i < 2 ? units[i + 1] : null, more = smaller && count < 3 ? Math.floor(rest / smaller[0]) : 0;
        return count + " " + unit + (more ? " " + more + " " + smaller[1] : "");
      }
    }
    return "0 s";
  }

  function handsOf(zone) {
    try {
      return new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
    } catch (error) { // the browser does not know the zone
      if (clock) clock.hidden = true;
      return null;
    }
  }

  const time = (seconds) => hands ? hands.format(seconds * 1000) : new Date(seconds * 1000).toISOString().slice(11, 19) + " UTC";

  function tick() {
    const passed = now() - answered, current = server + passed;
    for (const element of document.querySelectorAll("time[data-tick]")) {
      if (age && age.contains(element)) continue;
      const away = current - Date.parse(element.dateTime) / 1000;
      const text = span(element.dataset.tick === "left" ? -away : away);
      if (element.textContent !== text) element.textContent = text;
    }
    if (age && dataAge !== null) age.textContent = say("saidAge", span(dataAge + passed));
    const silent = passed * 1000 > giveUp;
    const old = dataAge !== null && dataAge + passed > limit;
    let why = "";
    if (ended) why = ended;
    else if (silent) why = say("saidSilent", span(passed), time(server));
    else if (old) why = say("saidOld", span(dataAge + passed), time(server - dataAge));
    document.documentElement.classList.toggle("is-stale", why !== "");
    if (clock && hands && why === "") clock.textContent = time(current); // it stands still with the data
    if (stale.textContent !== why) { stale.textContent = why; }
    stale.hidden = why === "";
  }

  // A form that somebody is filling in, and what somebody has opened, are left as they are.
  const busy = (part) => [...part.querySelectorAll("input, textarea, select")].some((field) =>
    field === document.activeElement || (field.type === "checkbox" ? field.checked !== field.defaultChecked :
      field.tagName === "SELECT" ? [...field.options].some((o) => o.selected !== o.defaultSelected && o.defaultSelected) :
      field.type !== "hidden" && field.value !== field.defaultValue));

  function settle(before, after) {
    for (const details of before.querySelectorAll("details[id]")) {
      const same = after.querySelector("#" + CSS.escape(details.id));
      if (same) same.open = details.open;
    }
    const focused = before.contains(document.activeElement) ? document.activeElement : null;
    const key = focused && (focused.id ? "#" + CSS.escape(focused.id) : focused.getAttribute("href") ? "a[href=\"" + CSS.escape(focused.getAttribute("href")) + "\"]" : "");
    before.replaceWith(after);
    if (key) { const again = after.querySelector(key); if (again) again.focus({ preventScroll: true }); }
  }

  function take(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const ids = (root) => [...root.children].map((part) => part.id).join(" ");
    const parts = [...live.children];
    if (parts.some(busy) || ids(fresh) === ids(live)) {
      for (const part of parts) {
        const next = part.id && fresh.querySelector("#" + CSS.escape(part.id));
        if (next && !busy(part) && next.outerHTML !== part.outerHTML) settle(part, document.adoptNode(next));
      }
    } else {
      const replacement = live.cloneNode(false);
      replacement.append(...fresh.childNodes);
      for (const details of live.querySelectorAll("details[id][open]")) {
        const same = replacement.querySelector("#" + CSS.escape(details.id));
        if (same) same.open = true;
      }
      live.replaceChildren(...replacement.childNodes);
    }
  }

  async function ask() {
    if (running || document.hidden || ended) return;
    running = true;
    const address = new URL(location.href), stop = new AbortController();
    address.hash = "";
    address.searchParams.set("part", "1");
    const late = setTimeout(() => stop.abort(), patience);
    try {
      const answer = await fetch(address, { cache: "no-store", redirect: "manual", signal: stop.signal, headers: { Accept: "text/html", "If-None-Match": etag } });
      if (answer.type === "opaqueredirect" || answer.status === 401) ended = say("saidOut", "");
      else if (answer.status === 304 || answer.ok) {
        const html = answer.status === 304 ? null : await answer.text();
        answered = now();
        server = Number(answer.headers.get("X-Now"));
        limit = Number(answer.headers.get("X-Data-Limit"));
        const given = answer.headers.get("X-Data-Age");
        dataAge = given ? Number(given) : null;
        if (html !== null) { etag = answer.headers.get("ETag"); take(html); }
      }
    } catch (error) {
      // The monitor does not answer: tick() says so.
    } finally {
      clearTimeout(late);
      running = false;
      tick();
    }
  }

  const again = () => { clearInterval(timer); if (!document.hidden) { timer = setInterval(ask, every); ask(); } };
  document.addEventListener("visibilitychange", again);
  setInterval(tick, 1000);
  again();
})();
