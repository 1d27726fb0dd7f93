import { useStore } from "zustand";
import { useChat } from "../page/chat_context";
import { lazyPart } from "../page/lazy_part";

const Viewer = lazyPart(() => import("./viewer"));

/** Shows the open picture, if there is one. */
export function ViewerHost() {
  const { files } = useChat();
  const viewing = useStore(files.viewing);
  if (viewing === null) return null;
  return <Viewer viewing={viewing} onGiveUp={() => files.close()} />;
}
