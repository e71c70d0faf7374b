/** Who is signed in at this browser. The cookie is the hub's; no script can read it. */
import { computed, signal } from "@preact/signals";
import { ApiError, request, whenSignedOut } from "./http";
import { forgetKept, keepSession, keptSession } from "./kept";
import { connect, disconnect, whenStreamRefused } from "./live";
import type { Session } from "./types";

export type SessionState =
  | { is: "unknown" }
  /** The hub did not answer when asked who is signed in. */
  | { is: "unreachable" }
  | { is: "signed-out"; expired: boolean }
  | { is: "signed-in"; session: Session };

export const session = signal<SessionState>({ is: "unknown" });

/** Auditors read; they stand at no desk, and no alarm is theirs to hear. */
export const atDesk = computed(
  () => session.value.is === "signed-in" && session.value.session.role !== "auditor",
);

/** Who is kept to one area is not told of the whole hub. */
export const seesEverywhere = computed(() => session.value.is === "signed-in" && !session.value.session.area);

function enter(found: Session, confirmed = true): void {
  if (confirmed) keepSession(found);
  session.value = { is: "signed-in", session: found };
  connect();
}

function leave(expired: boolean): void {
  if (session.value.is === "signed-out") return;
  disconnect(!expired);
  session.value = { is: "signed-out", expired };
}

whenSignedOut(() => leave(session.value.is === "signed-in"));
whenStreamRefused(() => leave(true));

/** Asks the hub who is signed in. */
export async function resume(): Promise<void> {
  try {
    enter(await request<Session>("GET", "/session"));
  } catch (error) {
    if (error instanceof ApiError && error.problem.status === 401) leave(false);
    else if (session.value.is !== "signed-in") {
      const kept = keptSession();
      if (kept === null) session.value = { is: "unreachable" };
      else enter(kept, false);
    }
  }
}

/** Signs in. Throws `ApiError` (`wrong-credentials`, `too-many-attempts`) or `LineError`. */
export async function signIn(username: string, password: string): Promise<Session> {
  const found = await request<Session>("POST", "/session", { username, password });
  enter(found);
  return found;
}

export async function signOut(): Promise<void> {
  await request<void>("DELETE", "/session");
  forgetKept();
  leave(false);
}
