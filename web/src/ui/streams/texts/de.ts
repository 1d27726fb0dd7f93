import type { StreamTexts } from "./en";

export const german: StreamTexts = {
  thinking: "Denkt nach …",
  reasoning: "Überlegung",
  working: (name) => `${name} arbeitet …`,
  doing: (name, label) => `${name}: ${label}`,
  tool: {
    states: {
      running: "läuft …",
      done: "fertig",
      failed: "fehlgeschlagen",
      denied: "abgelehnt",
      waits: "wartet auf Freigabe",
      unfinished: "nicht beendet",
    },
    input: "Eingabe",
    output: "Ausgabe",
  },
  plan: {
    title: "Ablauf",
    done: (done, all) => `${done} von ${all} erledigt`,
    states: { pending: "Offen", in_progress: "In Arbeit", complete: "Erledigt", error: "Fehlgeschlagen" },
  },
  sources: { title: "Quellen", message: "Nachricht", file: "Datei" },
  writing: "Wird geschrieben",
  stop: "Anhalten",
  stopping: "Wird angehalten …",
  ends: {
    stopped: "Angehalten.",
    interrupted: "Die Antwort ist abgebrochen.",
    failed: (why) => (why === "" ? "Die Antwort ist fehlgeschlagen." : `Die Antwort ist fehlgeschlagen: ${why}`),
  },
};
