import type { StreamTexts } from "./en";

export const french: StreamTexts = {
  thinking: "Réflexion…",
  reasoning: "Raisonnement",
  working: (name) => `${name} travaille…`,
  doing: (name, label) => `${name}\u00a0: ${label}`,
  tool: {
    states: {
      running: "en cours…",
      done: "terminé",
      failed: "échoué",
      denied: "refusé",
      waits: "attend une approbation",
      unfinished: "inachevé",
    },
    input: "Entrée",
    output: "Sortie",
  },
  plan: {
    title: "Étapes",
    done: (done, all) => `${done} sur ${all} terminées`,
    states: { pending: "À faire", in_progress: "En cours", complete: "Terminée", error: "Échouée" },
  },
  sources: { title: "Références", message: "Message", file: "Fichier" },
  writing: "En cours d’écriture",
  stop: "Arrêter",
  stopping: "Arrêt…",
  ends: {
    stopped: "Arrêté.",
    interrupted: "La réponse s’est interrompue.",
    failed: (why) => (why === "" ? "La réponse a échoué." : `La réponse a échoué\u00a0: ${why}`),
  },
};
