/**
 * Photos and papers of a case: what is there, sending one, and asking to see a masked one. The hub knows
 * a file by the SHA-256 of its bytes; what is hashed is what is sent, unchanged.
 */
import { request } from "./http";
import type { Timestamp } from "./types";

/** One file of a case. */
export interface EvidenceFile {
  sha256: string;
  name?: string | null;
  /** Media type. */
  type: string;
  bytes: number;
  by: string;
  at: Timestamp;
  /** Whether the hub has the bytes; else only their hash is known. */
  present: boolean;
}

/** What the hub takes. */
export const EVIDENCE_TYPES: readonly string[] = ["image/jpeg", "image/png", "image/webp", "application/pdf"];
/** Largest file that the hub takes, in bytes. */
export const EVIDENCE_BYTES_MAX = 10 * 1024 * 1024;
/** So long is shown what was masked, in milliseconds; the hub's own clock decides. */
export const REVEALED_MS = 600_000;
/** A photo over a poor line: 10 MiB at 1 Mbit/s take 84 s. */
const UPLOAD_TIMEOUT_MS = 180_000;

export async function sha256Of(bytes: Blob): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await bytes.arrayBuffer()));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export type Unfit = "type" | "size";

/** Why the hub would not take a file; null when it would. */
export function unfit(file: Blob): Unfit | null {
  if (!EVIDENCE_TYPES.includes(file.type)) return "type";
  return file.size > EVIDENCE_BYTES_MAX || file.size === 0 ? "size" : null;
}

/** Where the bytes of a file are; a masked one answers 403 until it has been revealed. */
export function evidenceAddress(id: number, sha256: string): string {
  return `/api/v1/cases/${id}/evidence/${sha256}`;
}

export async function listEvidence(id: number): Promise<EvidenceFile[]> {
  return (await request<{ items: EvidenceFile[] }>("GET", `/cases/${id}/evidence`)).items;
}

/** Sends the bytes. The same bytes twice are one file. */
export function putEvidence(id: number, sha256: string, bytes: Blob, key: string): Promise<unknown> {
  return request("PUT", `/cases/${id}/evidence/${sha256}`, bytes, { key, timeoutMs: UPLOAD_TIMEOUT_MS });
}

export type Look = "shown" | "masked" | "gone" | "line";

/** Why a picture did not show. */
export async function lookAt(id: number, sha256: string): Promise<Look> {
  try {
    const answer = await fetch(evidenceAddress(id, sha256), {
      credentials: "same-origin",
      cache: "no-store",
    });
    await answer.body?.cancel();
    if (answer.ok) return "shown";
    return answer.status === 403 ? "masked" : "gone";
  } catch {
    return "line";
  }
}

/** Asks to see what is masked, for ten minutes; the reason is kept in the log. */
export function reveal(id: number, sha256: string, reason: string): Promise<unknown> {
  return request("POST", `/cases/${id}/reveals`, { sha256, reason });
}
