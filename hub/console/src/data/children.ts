/**
 * Child hubs of this hub: how they are, their cases, and what to ask them for. The live stream says when
 * something of them has changed, and it is asked for again; a list of cases stays as it is until somebody asks for
 * it anew, and `marksOf` says when that is worth it.
 */

import { computed, signal } from "@preact/signals";
import { part } from "../logic/part";
import { query, request } from "./http";
import { onChildEvent, onReload } from "./live";
import { session } from "./session";
import type { ChildEvent, Schemas } from "./types";

export type Child = Schemas["Child"];
export type ChildCase = Schemas["ChildCase"];
export type ChildCaseView = Schemas["ChildCaseView"];
export type ChildDocument = Schemas["CaseDocument"];
export type ChildCommand = Schemas["CommandView"];
/** What a child may be asked for, with the reason. */
export type ChildAsk = Schemas["AskRequest"];

/** The child hubs that this person sees, by id; null until the hub has been asked. */
export const childHubs = signal<readonly Child[] | null>(null);
export const childHubsError = signal<unknown>(null);

/** People of a unit see no hubs, but the cases that call their unit. */
const isCalled = signal(false);

/** Whether this person has anything of child hubs to see: the way to them is shown only then. */
export const seesChildren = computed(() => (childHubs.value?.length ?? 0) > 0 || isCalled.value);

export async function loadChildHubs(): Promise<void> {
  const now = session.peek();
  const ofUnit = now.is === "signed-in" && now.session.role === "unit";
  try {
    childHubs.value = (await request<Schemas["ChildList"]>("GET", "/children")).items;
    isCalled.value =
      ofUnit && (await request<Schemas["ChildCasePage"]>("GET", "/children/cases?limit=1")).items.length > 0;
    childHubsError.value = null;
  } catch (error) {
    childHubsError.value = error;
  }
}

// Whether there are any is asked for once, for the way to the page.
onReload(() => void loadChildHubs());

export function forgetChildHubs(): void {
  childHubs.value = null;
  isCalled.value = false;
}

/** For what no event tells of, such as the time of a heartbeat: that is shown at most so much too old. */
const EVERY_MS = 60_000;
/** A child tells several things at once, and they are asked for together. */
const SETTLE_MS = 1_000;

/** Asks whenever something has changed until the returned function is called; `also` only when it is `about` this. */
export function followChildHubs(
  also: () => void = () => undefined,
  about: (event: ChildEvent) => boolean = () => true,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let concerned = false;
  const settled = () => {
    timer = undefined;
    void loadChildHubs();
    if (concerned) also();
    concerned = false;
  };
  const ends = [
    onChildEvent((event) => {
      concerned ||= about(event);
      timer ??= setTimeout(settled, SETTLE_MS);
    }),
    // The hubs are asked for then by themselves.
    onReload(also),
  ];
  void loadChildHubs();
  const slow = setInterval(() => {
    void loadChildHubs();
    also();
  }, EVERY_MS);
  return () => {
    clearInterval(slow);
    clearTimeout(timer);
    for (const end of ends) end();
  };
}

/** Up to where the children's events are here: another text when any of them has told something. */
export function marksOf(children: readonly Child[]): string {
  return children.map(({ id, known }) => `${id} ${known?.epoch}.${known?.sequence}`).join("|");
}

export interface ChildFilter {
  hub: string;
  state: string;
  severity: string;
  step: string;
  /** `cards`, `late` or `calls`: only those that need somebody. */
  only: string;
}

const PAGE = 50;

/** A page of their cases, the most urgent first. */
export function loadChildCases(
  wanted: ChildFilter,
  after?: string | null,
): Promise<Schemas["ChildCasePage"]> {
  const { only, ...rest } = wanted;
  const flags = only === "" ? {} : { [only]: "true" };
  return request("GET", `/children/cases${query({ ...rest, ...flags, limit: PAGE, after })}`);
}

/** Which case of which child: numbers may come again after a restore, so the life of its store counts. */
export interface ChildCaseKey {
  hub: string;
  epoch: number;
  id: number;
}

const at = ({ hub, epoch, id }: ChildCaseKey) => `/children/${part(hub)}/cases/${epoch}/${id}`;

export function loadChildCase(key: ChildCaseKey): Promise<ChildCaseView> {
  return request("GET", at(key));
}

/** Asks the child; the answer comes once it is on disk here, and what became of it with the case. */
export function askChild(key: ChildCaseKey, what: ChildAsk): Promise<ChildCommand> {
  return request("POST", `${at(key)}/commands`, what);
}
