import type { StreamTexts } from "./en";

export const spanish: StreamTexts = {
  thinking: "Pensando…",
  reasoning: "Razonamiento",
  working: (name) => `${name} está trabajando…`,
  doing: (name, label) => `${name}: ${label}`,
  tool: {
    states: {
      running: "en curso…",
      done: "hecho",
      failed: "fallido",
      denied: "denegado",
      waits: "espera aprobación",
      unfinished: "sin terminar",
    },
    input: "Entrada",
    output: "Salida",
  },
  plan: {
    title: "Pasos",
    done: (done, all) => `${done} de ${all} hechos`,
    states: { pending: "Pendiente", in_progress: "En curso", complete: "Hecho", error: "Fallido" },
  },
  sources: { title: "Fuentes", message: "Mensaje", file: "Archivo" },
  writing: "Se está escribiendo",
  stop: "Detener",
  stopping: "Deteniendo…",
  ends: {
    stopped: "Detenido.",
    interrupted: "La respuesta se interrumpió.",
    failed: (why) => (why === "" ? "La respuesta ha fallado." : `La respuesta ha fallado: ${why}`),
  },
};
