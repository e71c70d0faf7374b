/** The console as a whole: signed out, the sign-in page; signed in, header, strip and the page asked for. */
import { useEffect } from "preact/hooks";
import { openBySeverity } from "./data/cases";
import { resume, session } from "./data/session";
import { onPhone } from "./data/tasks";
import { assertive, polite } from "./duty/announce";
import { ringingCases } from "./duty/shift";
import { t } from "./i18n";
import { route } from "./logic/route";
import { AdminPage } from "./pages/admin";
import { Board } from "./pages/board";
import { CasePage } from "./pages/case";
import { ChildCasePage } from "./pages/child-case";
import { ChildrenPage } from "./pages/children";
import { Devices } from "./pages/devices";
import { Gateway } from "./pages/gateway";
import { MapPage } from "./pages/map";
import { OutboxPage } from "./pages/outbox";
import { ReportPage } from "./pages/report";
import { SheetPage } from "./pages/sheet";
import { SignIn } from "./pages/sign-in";
import { SupervisionPage } from "./pages/supervision";
import { TaskPage } from "./pages/task";
import { TasksPage } from "./pages/tasks";
import { WallPage } from "./pages/wall";
import { Guard } from "./parts/guard";
import { Header } from "./parts/header";
import { KeysHelp } from "./parts/keys-help";
import { Link } from "./parts/link";
import { PhoneHeader, PhoneNav } from "./parts/phone-frame";
import { Strip } from "./parts/strip";

const RETRY_MS = 3000;

function Unreachable() {
  useEffect(() => {
    const timer = setInterval(() => void resume(), RETRY_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <main class="alone" id="main">
      <p role="alert">{t.value.signIn.unreachable}</p>
    </main>
  );
}

function Here() {
  const here = route.value;
  switch (here.page) {
    case "board":
      return onPhone.value ? <TasksPage /> : <Board />;
    case "sheet":
      return <SheetPage key={here.id} id={here.id} />;
    case "wall":
      return <WallPage />;
    case "map":
      return <MapPage />;
    case "supervision":
      return <SupervisionPage />;
    case "tasks":
      return <TasksPage />;
    case "task":
      return <TaskPage key={here.id} id={here.id} />;
    case "report":
      return <ReportPage />;
    case "outbox":
      return <OutboxPage />;
    case "case":
      return <CasePage key={here.id} id={here.id} />;
    case "devices":
      return <Devices />;
    case "children":
      return <ChildrenPage />;
    case "child-case":
      return <ChildCasePage key={`${here.hub} ${here.epoch} ${here.id}`} at={here} />;
    case "admin":
      return <AdminPage />;
    case "gateway":
      return <Gateway key={here.id} id={here.id} />;
    default:
      return (
        <main class="alone" id="main">
          <h1>{t.value.notFound}</h1>
          <Link to="/">{t.value.back}</Link>
        </main>
      );
  }
}

function Page() {
  return (
    <Guard what={t.value.undrawn.page} from={route.value} alone={route.value.page === "wall"}>
      <Here />
    </Guard>
  );
}

/** The window's title says how many P1 wait, for when another window is in front. */
function useTitle(): void {
  const waiting = ringingCases.value.size;
  const open = openBySeverity.value.P1;
  const words = t.value;
  useEffect(() => {
    const mark = waiting > 0 ? `【${words.severity.P1} ${waiting}】` : open > 0 ? `[${open}] ` : "";
    document.title = `${mark}${words.productLong}`;
  }, [waiting, open, words]);
}

/** Handlers and grid workers have their own bars: less on top, the ways to go at the thumb. */
function Bars() {
  if (onPhone.value) return <PhoneHeader />;
  return (
    <>
      <Header />
      <Strip />
    </>
  );
}

function SignedIn() {
  useTitle();
  // Nobody works at the wall: no bars, no keys, no announcements.
  if (route.value.page === "wall") return <Page />;
  const fixed = route.value.page === "board" && !onPhone.value;
  return (
    <div class={fixed ? "frame frame-fixed" : route.value.page === "map" ? "frame frame-map" : "frame"}>
      <a class="skip" href="#main">
        {t.value.skip}
      </a>
      <Bars />
      <Page />
      {onPhone.value && <PhoneNav />}
      <KeysHelp />
      <div class="visually-hidden" aria-live="assertive" id="announce-p1">
        {assertive.value}
      </div>
      <div class="visually-hidden" aria-live="polite" id="announce">
        {polite.value}
      </div>
    </div>
  );
}

export function App() {
  const state = session.value;
  switch (state.is) {
    case "unknown":
      return null;
    case "unreachable":
      return <Unreachable />;
    case "signed-out":
      return <SignIn expired={state.expired} />;
    case "signed-in":
      return <SignedIn />;
  }
}
