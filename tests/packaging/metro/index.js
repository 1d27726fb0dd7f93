// The test takes start.js from the page.
export * from "./start.js";
export * from "@talkwire/react";
