/** Starts the console: styles, the followers of the live stream, and the first page. */
import "uplot/dist/uPlot.min.css";
import "./style/index.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./app";
import { forgetCases } from "./data/cases";
import { forgetChildHubs } from "./data/children";
import { forgetCorrelation } from "./data/correlation";
import { forgetDesks } from "./data/desks";
import { forgetConsole, tellConsole } from "./data/duty";
import { forgetGateways } from "./data/gateways";
import { forgetLoad } from "./data/load";
import { forgetParent } from "./data/parent";
import { forgetRosterDrafts } from "./data/roster-drafts";
import { atDesk, resume, session } from "./data/session";
import { forgetAsked } from "./data/supervision";
import { followTasks, onPhone } from "./data/tasks";
import { followOutbox } from "./data/work";
import { followArrivals } from "./duty/announce";
import { forgetGroups } from "./duty/open-groups";
import { followShift, soundWarning } from "./duty/shift";
import { route } from "./logic/route";
import { suggestLanguage } from "./logic/settings";

followShift();
followTasks();
followOutbox();
followArrivals();

effect(() => {
  const state = session.value;
  if (state.is === "signed-in") suggestLanguage(state.session.language);
  if (state.is !== "signed-out") return;
  // What one officer saw is not the next one's to see.
  forgetCases();
  forgetGroups();
  forgetCorrelation();
  forgetGateways();
  forgetLoad();
  forgetDesks();
  forgetAsked();
  forgetChildHubs();
  forgetRosterDrafts();
  forgetParent();
});

// A console of the office says that it is there; phones and walls stand for nobody at a desk.
effect(() => {
  const heard = atDesk.value && !onPhone.value && route.value.page !== "wall";
  if (heard) tellConsole(soundWarning.value === null);
  else forgetConsole();
});

// Only where it must open without a line is the console itself kept in the browser.
effect(() => {
  if (onPhone.value || route.value.page === "wall")
    void navigator.serviceWorker?.register("/sw.js").catch(() => undefined);
});

void resume();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
