import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { registerServiceWorker } from "./service_worker_registration";
import { App } from "./ui/app";
import { followTheme } from "./ui/theme";
import "./ui/base.css";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no place for the client");
followTheme();
registerServiceWorker();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
