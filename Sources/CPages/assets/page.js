"use strict";
// Renews the parts of the page as things happen. All they say is written by the server: without this
// script the page is the same, and a reload renews it.
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const box = document.getElementById("live");
  const state = document.getElementById("live-state");
  const time = document.getElementById("live-time");
  const button = document.getElementById("live-pause");
  // What happens is shown at once; what only goes on (outcomes, the queue, "3m ago") at this pace.
  const pace = 10000;
  // However much happens, the server is not asked more often, and less often where it has more to read:
  // each open page takes a tenth of its time at most.
  const least = 1000;
  let took = 0;
  // A connection that was cut without a word is silent for minutes: who waits longer is not reached.
  const patience = 15000;
  let isPaused = sessionStorage.getItem("paused") === "yes";
  let stream = null;
  let timer = null;
  let dueAt = Infinity;
  let asked = 0;
  let isAsking = false;
  let isDue = false;

  function say(word, isOff) {
    if (state.textContent !== word) state.textContent = word;
    box.classList.toggle("off", Boolean(isOff));
  }

  function show() {
    box.hidden = false;
    button.textContent = isPaused ? "Resume updates" : "Pause updates";
    if (isPaused) say("Paused");
  }

  // Nobody's typing, choosing or reading is taken away.
  function isInUse(part) {
    const active = document.activeElement;
    return part.contains(active) && /^(INPUT|SELECT|TEXTAREA)$/.test(active.tagName);
  }

  function replace(old, fresh) {
    const active = old.contains(document.activeElement) ? document.activeElement : null;
    const scrolled = [...old.querySelectorAll(".table")].map((table) => table.scrollLeft);
    old.replaceWith(fresh);
    [...fresh.querySelectorAll(".table")].forEach((table, index) => {
      table.scrollLeft = scrolled[index] || 0;
    });
    if (!active) return;
    const link = active.getAttribute("href");
    const label = active.getAttribute("aria-label");
    const again = [...fresh.querySelectorAll("a, button, [tabindex]")].find((element) =>
      (link && element.getAttribute("href") === link) ||
      (label && element.getAttribute("aria-label") === label) ||
      (active.tagName === "BUTTON" && element.textContent === active.textContent));
    if (again) again.focus({ preventScroll: true });
  }

  function renew(fresh) {
    document.title = fresh.title;
    const parts = [...main.querySelectorAll("section[id]")];
    const found = [...fresh.querySelectorAll("main section[id]")];
    const isSame = parts.length === found.length &&
      parts.every((part, index) => part.id === found[index].id);
    if (isSame) {
      parts.forEach((part, index) => {
        if (part.outerHTML !== found[index].outerHTML && !isInUse(part)) {
          replace(part, document.importNode(found[index], true));
        }
      });
      return;
    }
    if (parts.some(isInUse)) return;
    parts.forEach((part) => part.remove());
    found.forEach((part) => main.append(document.importNode(part, true)));
  }

  async function refresh() {
    if (isPaused || document.hidden) return;
    if (isAsking) {
      isDue = true;
      return;
    }
    isAsking = true;
    asked = Date.now();
    try {
      const answer = await fetch(location.href, {
        headers: { Accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(patience),
      });
      if (answer.redirected || answer.status === 401) {
        // The session is over: the server says what to do.
        location.reload();
        return;
      }
      const text = await answer.text();
      const fresh = new DOMParser().parseFromString(text, "text/html");
      if (!answer.ok || !fresh.querySelector("main[data-live]")) throw new Error(String(answer.status));
      if (isPaused) return;
      renew(fresh);
      time.textContent = new Date().toISOString().slice(11, 19);
      say("Live");
    } catch (error) {
      say("Not reached since", true);
    } finally {
      took = Date.now() - asked;
      isAsking = false;
      if (isDue) {
        isDue = false;
        soon();
      }
    }
  }

  // Never later than it is planned already: what happens all the time would put it off for ever.
  function plan(wait) {
    const at = Date.now() + wait;
    if (at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(() => {
      dueAt = Infinity;
      refresh().finally(() => {
        if (stream && stream.readyState === EventSource.CLOSED) {
          // Refused, and not only cut: a browser does not try that again by itself.
          stream = null;
          begin();
        } else if (stream) {
          plan(pace);
        }
      });
    }, wait);
  }

  function soon() {
    const pause = Math.min(pace, Math.max(least, 10 * took));
    plan(Math.max(150, pause - (Date.now() - asked)));
  }

  function begin() {
    if (isPaused || document.hidden || stream) return;
    stream = new EventSource(main.dataset.live);
    // Events have names; the server lists them.
    for (const kind of (main.dataset.events || "").split(" ")) stream.addEventListener(kind, soon);
    stream.onopen = soon;
    stream.onerror = () => say("Not reached since", true);
    plan(pace);
  }

  function end() {
    clearTimeout(timer);
    dueAt = Infinity;
    if (stream) stream.close();
    stream = null;
  }

  button.addEventListener("click", () => {
    isPaused = !isPaused;
    sessionStorage.setItem("paused", isPaused ? "yes" : "no");
    show();
    if (isPaused) {
      end();
    } else {
      begin();
      soon();
    }
  });
  // A page that nobody sees holds no connection: a browser has only six of them for one server.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      end();
    } else if (!isPaused) {
      // It may have been out of sight for hours: it is as old as the time beside this says.
      say("As of");
      begin();
      soon();
    }
  });
  addEventListener("pagehide", end);

  // What was done is said once: not again by a reload, nor to whom the address is sent.
  const here = new URL(location.href);
  if (here.searchParams.has("done")) {
    here.searchParams.delete("done");
    history.replaceState(null, "", here);
  }

  time.textContent = new Date().toISOString().slice(11, 19);
  if (!isPaused) say("Live");
  show();
  begin();
})();
