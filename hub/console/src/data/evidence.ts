/**
 * Photos and papers of a case: what is there, sending one, and asking to see a masked one. The hub knows
 * a file by the SHA-256 of its bytes; what is hashed is what is sent, unchanged.
 */
import { request } from "./http";
import type { Schemas } from "./types";

/** One piece of evidence of a case. */
export type EvidenceFile = Schemas["EvidenceItem"];

export type EvidenceList = Schemas["EvidenceList"];

/** What the hub takes. */
export const EVIDENCE_TYPES: readonly string[] = ["image/jpeg", "image/png", "image/webp", "application/pdf"];
/** Largest file that the hub takes, in bytes. */
export const EVIDENCE_BYTES_MAX = 10 * 1024 * 1024;
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

export function listEvidence(id: number): Promise<EvidenceList> {
  return request("GET", `/cases/${id}/evidence`);
}

/** Sends the bytes. The same bytes twice are one file. */
export function putEvidence(id: number, sha256: string, bytes: Blob, key: string): Promise<unknown> {
  return request("PUT", `/cases/${id}/evidence/${sha256}`, bytes, { key, timeoutMs: UPLOAD_TIMEOUT_MS });
}

/** Asks to see the files of a case, for ten minutes; the reason is kept in the audit. */
export function reveal(id: number, reason: string): Promise<Schemas["Revealed"]> {
  return request("POST", `/cases/${id}/reveals`, { what: "evidence", reason });
}
