/** What the tests with hostile texts look at on every page: that each is only text, and nothing comes of it. */
import { levelled } from "../src/logic/marks.js";
import { NARROW, openPage } from "./browser.mjs";

/** A page that also writes to its console what the content security policy has stopped. */
export async function watched(url) {
  const opened = await openPage(url, { viewport: NARROW });
  await opened.page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  return opened;
}

/** From here on every error that the browser writes to its console is a fault. */
export function watchConsole(page, faults) {
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`the browser says: ${message.text()}`);
  });
}

/**
 * Opens `path` (null: looks at what is there) and waits until there are `rows` (`[selector, at least]`) and every
 * text of `wanted` is shown as it is written; gives everything that is wrong with the page.
 */
export function look(page, path, wanted, rows = null) {
  // As JSON, which keeps half surrogate pairs that the way into the page would lose.
  return page.evaluate(
    async ([to, json, rows]) => {
      if (to !== null) {
        history.pushState(null, "", to);
        dispatchEvent(new PopStateEvent("popstate"));
      }
      // Each as it is written and as it is with its piles of marks cut.
      const wanted = JSON.parse(json);
      const shown = () => {
        const filled = [...document.querySelectorAll("input, textarea")].map((each) => each.value);
        return [document.body.textContent, ...filled].join("\n");
      };
      const end = performance.now() + 20_000;
      const lacking = () => {
        const all = shown();
        return wanted.filter(([text, cut]) => !all.includes(text) && !all.includes(cut));
      };
      const there = () => rows === null || document.querySelectorAll(rows[0]).length >= rows[1];
      let left = there() ? lacking() : wanted;
      while ((!there() || left.length > 0) && performance.now() < end) {
        await new Promise(requestAnimationFrame);
        if (there()) left = lacking();
      }
      const where = to ?? location.pathname;
      const faults = there() ? [] : [`${where}: fewer than ${rows[1]} ${rows[0]}`];
      if (left.length > 0) {
        const first = JSON.stringify(left[0][0].slice(0, 80));
        faults.push(`${where}: ${left.length} texts not shown as written, the first: ${first}`);
      }
      const odd =
        "iframe, object, embed, base, math, marquee, portal, plaintext, xmp, isindex, foreignObject, use, animate, set, body style, body meta, body script:not([src^='/'])";
      for (const each of document.querySelectorAll(odd))
        faults.push(`${where}: a <${each.localName}> was made`);
      for (const each of document.querySelectorAll("body *")) {
        for (const { name, value } of each.attributes) {
          const leads = ["href", "xlink:href", "src", "action", "formaction", "data", "poster"].includes(
            name,
          );
          if (
            name.startsWith("on") ||
            name === "srcdoc" ||
            (leads && !/^(\/(?!\/)|#|tel:|data:image)/.test(value))
          )
            faults.push(`${where}: <${each.localName} ${name}=${JSON.stringify(value.slice(0, 60))}>`);
        }
      }
      const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
        // A direction that is turned and not turned back must end with the text that turned it.
        const alone = node.parentElement.closest(
          "bdi, option, textarea, title, .visually-hidden, [aria-live], pre",
        );
        if (alone === null && /[\u202d\u202e\u2066-\u2069]/.test(node.data))
          faults.push(
            `${where}: may turn the line it stands in: ${node.parentElement.outerHTML.slice(0, 90)}`,
          );
      }
      const wider = document.documentElement.scrollWidth - innerWidth;
      if (wider > 0) {
        const out = [...document.querySelectorAll("main *")].filter(
          (each) => each.getBoundingClientRect().right > innerWidth + 1 && each.closest(".scroll") === null,
        );
        const which = out.map((each) => each.cloneNode(false).outerHTML.slice(0, 80));
        faults.push(`${where}: ${wider} px wider than the window: ${which.slice(0, 3).join(" ")}`);
      }
      if (globalThis.hacked !== undefined) faults.push(`${where}: a text was run`);
      return faults;
    },
    [path, JSON.stringify([...new Set(wanted)].map((text) => [text, levelled(text)])), rows],
  );
}
