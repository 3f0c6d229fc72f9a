/** Whether this Node has SQLite built in: 22.13 and later. */
const [major, minor] = process.versions.node.split(".").map(Number);
export const hasSqlite = major > 22 || (major === 22 && minor >= 13);
