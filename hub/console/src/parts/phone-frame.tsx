/** The bars of the phone pages: how the line is at the top, where to go at the thumb. */
import { link, linkLost } from "../data/live";
import { needsMe, unsent } from "../data/work";
import { t } from "../i18n";
import { route } from "../logic/route";
import { LanguageSwitch, Menu } from "./header";
import { Icon } from "./icons";
import { Link } from "./link";

/** The header in one line; the words of a lost line are calm, because the queue goes on working. */
export function PhoneHeader() {
  const words = t.value.link;
  const lost = linkLost.value;
  const state = lost ? "lost" : link.value;
  return (
    <header class={lost ? "phone-header phone-lost" : "phone-header"} id="link-state" data-link={state}>
      <Link to="/tasks" class="phone-brand">
        {t.value.product}
      </Link>
      <span class="phone-link">
        <Icon name={lost ? "linkOff" : "link"} />
        {lost ? words.offline : link.value === "live" ? words.live : words.connecting}
      </span>
      <LanguageSwitch />
      <Menu />
    </header>
  );
}

export function PhoneNav() {
  const words = t.value.phone;
  const page = route.value.page;
  const waiting = unsent.value.length;
  const stuck = needsMe.value.length;
  return (
    <nav class="phone-nav" aria-label={words.nav}>
      <Link to="/tasks" current={page === "tasks" || page === "task" || page === "board"}>
        <Icon name="list" />
        {words.tasks}
      </Link>
      <Link to="/report" current={page === "report"}>
        <Icon name="plus" />
        {words.report}
      </Link>
      <Link to="/outbox" current={page === "outbox"}>
        <Icon name="up" />
        <span>
          {words.outbox}
          {waiting > 0 && (
            <span class={stuck > 0 ? "phone-badge phone-badge-bad" : "phone-badge"}>{waiting}</span>
          )}
        </span>
        {stuck > 0 && <span class="visually-hidden">{t.value.queue.attention(stuck)}</span>}
      </Link>
    </nav>
  );
}
