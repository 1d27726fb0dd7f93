import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app";
import "./base.css";

export function show(root: HTMLElement): void {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
