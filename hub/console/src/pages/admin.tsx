/** Administration: who and what there is, who is told, and what was done. One section at a time. */
import { session } from "../data/session";
import type { Role } from "../data/types";
import { t } from "../i18n";
import { route } from "../logic/route";
import { Link } from "../parts/link";
import { AuditSection } from "./admin/audit";
import { CalendarSection } from "./admin/calendar";
import { CatalogueSection } from "./admin/catalogue";
import { ChannelSection } from "./admin/channels";
import { DirectorySection } from "./admin/directory";
import { PeopleSection } from "./admin/people";
import { RosterSection } from "./admin/rosters";
import { SilenceSection } from "./admin/silences";

const SECTIONS = [
  "directory",
  "people",
  "rosters",
  "silences",
  "channels",
  "catalogue",
  "calendar",
  "audit",
] as const;
type Section = (typeof SECTIONS)[number];

/** Who finds something to do or to read in a section; the hub decides about every request itself. */
const MAY: Record<Section, readonly Role[] | "everybody"> = {
  directory: ["administrator"],
  people: ["administrator"],
  rosters: "everybody",
  silences: "everybody",
  channels: ["administrator"],
  catalogue: "everybody",
  calendar: "everybody",
  audit: ["administrator", "auditor"],
};

const PAGES: Record<Section, () => preact.JSX.Element> = {
  directory: DirectorySection,
  people: PeopleSection,
  rosters: RosterSection,
  silences: SilenceSection,
  channels: ChannelSection,
  catalogue: CatalogueSection,
  calendar: CalendarSection,
  audit: AuditSection,
};

/** The sections of somebody with this role. */
export function sectionsOf(role: Role): Section[] {
  return SECTIONS.filter((each) => {
    const who = MAY[each];
    return who === "everybody" || who.includes(role);
  });
}

export function AdminPage() {
  const here = route.value;
  const role = session.value.is === "signed-in" ? session.value.session.role : null;
  if (here.page !== "admin" || role === null) return null;
  const words = t.value.admin;
  const mine = sectionsOf(role);
  const shown = mine.find((each) => each === here.section) ?? mine[0];
  if (shown === undefined) return null;
  const Body = PAGES[shown];
  return (
    <main class="page admin" id="main">
      <h1>{words.title}</h1>
      <nav class="admin-nav" aria-label={words.title}>
        {mine.map((each) => (
          <Link key={each} to={`/admin/${each}`} current={each === shown}>
            {words.sections[each]}
          </Link>
        ))}
      </nav>
      <h2 class="visually-hidden">{words.sections[shown]}</h2>
      <Body key={shown} />
    </main>
  );
}
