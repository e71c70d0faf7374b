/** The bar over every page: where one is, what is open, the officer's load, the shift, the settings. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { openBySeverity } from "../data/cases";
import { seesChildren } from "../data/children";
import { load } from "../data/load";
import { atDesk, session, signOut } from "../data/session";
import { onPhone } from "../data/tasks";
import { SEVERITIES } from "../data/types";
import { unsent } from "../data/work";
import { endShift, isMuted, onShift, startShift, testTone } from "../duty/shift";
import { problemInWords, t } from "../i18n";
import { route } from "../logic/route";
import { chooseLanguage, chooseTheme, language, type Theme, theme } from "../logic/settings";
import { Icon } from "./icons";
import { helpOpen } from "./keys-help";
import { Link } from "./link";
import { Said } from "./said";
import { SeverityShape } from "./severity";

function Counts() {
  const counts = openBySeverity.value;
  return (
    <ul class="counts" aria-label={t.value.header.openCounts}>
      {SEVERITIES.map((severity) => (
        <li key={severity} class={counts[severity] === 0 ? "count count-zero" : `count count-${severity}`}>
          <SeverityShape severity={severity} />
          <span class="count-name">{t.value.severity[severity]}</span>
          <span class="count-code visually-hidden">{severity}</span>
          <span class="count-number">{counts[severity]}</span>
        </li>
      ))}
    </ul>
  );
}

/** The last hour's alarms against the target and the most of ISA-18.2, on a scale up to 1.5 times the most. */
function MyLoad() {
  const now = load.value;
  const words = t.value.header;
  if (now === null) {
    return (
      <div class="load">
        <span class="load-name">{words.load}</span>
        <span class="load-number">–</span>
      </div>
    );
  }
  const top = now.maximum * 1.5;
  const tone =
    now.officer_last_hour > now.maximum ? "over" : now.officer_last_hour > now.target ? "high" : "fine";
  const said = { over: words.loadOver, high: words.loadHigh, fine: words.loadFine }[tone];
  const x = (n: number) => (Math.min(n, top) / top) * 96;
  return (
    <div class={`load load-${tone}`} title={words.loadTitle(now.officer_last_hour, now.target, now.maximum)}>
      <span class="load-name">{words.load}</span>
      <span class="load-number">{now.officer_last_hour}</span>
      <svg class="load-bar" viewBox="0 0 96 14" aria-hidden="true" focusable="false">
        <rect class="load-track" x="0" y="4" width="96" height="6" rx="1" />
        <rect class="load-fill" x="0" y="4" width={x(now.officer_last_hour)} height="6" rx="1" />
        <path class="load-tick" d={`M${x(now.target)} 1v12M${x(now.maximum)} 1v12`} />
      </svg>
      <span class="load-limits">
        {now.target} / {now.maximum}
      </span>
      <span class="visually-hidden">{said}</span>
    </div>
  );
}

function Shift() {
  const words = t.value.shift;
  if (!onShift.value) {
    return (
      <button type="button" class="button button-primary shift-start" onClick={() => void startShift()}>
        <Icon name="bell" />
        {words.start}
      </button>
    );
  }
  return (
    <span class="shift-on" title={isMuted.value ? words.muted : words.armed}>
      <Icon name={isMuted.value ? "bellOff" : "bell"} />
      {words.onShift}
    </span>
  );
}

const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function Menu() {
  const open = useSignal(false);
  const failure = useSignal("");
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (box.current?.contains(event.target as Node) === false) open.value = false;
    };
    const close = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !open.value) return;
      open.value = false;
      button.current?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("keydown", close);
    };
  }, [open]);
  const words = t.value;
  const who = session.value.is === "signed-in" ? session.value.session : null;
  const leave = async () => {
    try {
      await signOut();
      endShift();
    } catch (error) {
      failure.value = problemInWords(error);
    }
  };
  return (
    <div class="menu" ref={box}>
      <button
        type="button"
        ref={button}
        class="button button-quiet menu-button"
        aria-expanded={open.value}
        aria-controls="settings"
        onClick={() => {
          open.value = !open.value;
        }}
      >
        <Icon name="menu" />
        <span class="menu-who">{who ? <Said>{who.display_name}</Said> : words.header.menu}</span>
      </button>
      {open.value && (
        <div class="menu-panel" id="settings">
          {who && (
            <p class="menu-person">
              <Said class="menu-name">{who.display_name}</Said>
              <span class="menu-role">{words.role[who.role]}</span>
            </p>
          )}
          <fieldset class="choice">
            <legend>{words.header.themeLabel}</legend>
            {THEMES.map((each) => (
              <label key={each} class="choice-option">
                <input
                  type="radio"
                  name="theme"
                  checked={theme.value === each}
                  onChange={() => chooseTheme(each)}
                />
                <span>{words.header.theme[each]}</span>
              </label>
            ))}
          </fieldset>
          <button
            type="button"
            class="button"
            onClick={() => {
              open.value = false;
              helpOpen.value = true;
            }}
          >
            {words.header.keys} <kbd>?</kbd>
          </button>
          <button type="button" class="button" onClick={() => void testTone()}>
            <Icon name="speaker" />
            {words.shift.test}
          </button>
          {onShift.value && (
            <button type="button" class="button" onClick={endShift}>
              {words.shift.end}
            </button>
          )}
          <button type="button" class="button" onClick={() => void leave()}>
            {words.header.signOut}
          </button>
          {!onPhone.value && (
            <>
              <Link to="/wall">{words.nav.wall}</Link>
              <Link to="/report">{words.nav.report}</Link>
            </>
          )}
          {onPhone.value && seesChildren.value && <Link to="/children">{words.children.nav}</Link>}
          {unsent.value.length > 0 && (
            <p class="form-note">{words.phone.unsentAtSignOut(unsent.value.length)}</p>
          )}
          {failure.value && <p class="form-error">{failure.value}</p>}
        </div>
      )}
    </div>
  );
}

export function LanguageSwitch() {
  const other = language.value === "zh" ? "en" : "zh";
  return (
    <button
      type="button"
      class="button button-quiet language"
      lang={other === "zh" ? "zh-CN" : "en"}
      title={t.value.header.languageLabel}
      onClick={() => chooseLanguage(other)}
    >
      <span class="language-long">{t.value.header.language}</span>
      <span class="language-short" aria-hidden="true">
        {t.value.header.languageShort}
      </span>
    </button>
  );
}

export function Header() {
  const words = t.value;
  const page = route.value.page;
  return (
    <header class="header">
      <Link to="/" class="brand">
        <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
          <path class="brand-grid" d="M4 11h24M4 21h24M11 4v24M21 4v24" />
          <circle class="brand-dot" cx="21" cy="11" r="4.5" />
        </svg>
        <span>{words.product}</span>
      </Link>
      <nav class="nav" aria-label={words.nav.label}>
        <Link to="/" current={page === "board" || page === "case"}>
          {words.nav.board}
        </Link>
        <Link to="/map" current={page === "map"}>
          {words.nav.map}
        </Link>
        <Link to="/supervision" current={page === "supervision"}>
          {words.nav.supervision}
        </Link>
        {seesChildren.value && (
          <Link to="/children" current={page === "children" || page === "child-case"}>
            {words.children.nav}
          </Link>
        )}
        <Link to="/devices" current={page === "devices" || page === "gateway"}>
          {words.nav.devices}
        </Link>
        <Link to="/admin" current={page === "admin"}>
          {words.admin.title}
        </Link>
      </nav>
      <Counts />
      <MyLoad />
      <div class="header-end">
        {atDesk.value && <Shift />}
        <LanguageSwitch />
        <Menu />
      </div>
    </header>
  );
}
