import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Console } from "./console";
import "../ui/base.css";

export function show(root: HTMLElement): void {
  createRoot(root).render(
    <StrictMode>
      <Console />
    </StrictMode>,
  );
}
