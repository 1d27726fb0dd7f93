import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./ui/app";
import "./ui/style.css";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no place for the client");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
