/** What becomes of a file that is chosen as evidence: uploaded, put into the phone's queue, or only hashed. */
import { createContext } from "preact";

export interface KeptFile {
  sha256: string;
  name: string;
  /** When it was taken. */
  at: string;
}

export interface EvidenceKeeper {
  /** Throws when the file cannot be kept. */
  keep: (file: File) => Promise<KeptFile>;
  /** Files that are there already and belong to the next result. */
  taken: readonly KeptFile[];
  /** What the form says about where the file goes. */
  note: "stays" | "uploads" | "queued";
}

/** Without a keeper a file is only hashed. */
export const Keeper = createContext<EvidenceKeeper | null>(null);
