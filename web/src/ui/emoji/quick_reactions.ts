/** The reactions that need no picker. Beside a message there is room for the first three. */
export const QUICK_REACTIONS: readonly string[] = ["👍", "❤️", "😂", "🎉", "😮", "😢"];
