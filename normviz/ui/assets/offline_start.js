// The Start page's board in a file of its own.

import { settle } from "./held.js";
import mount from "./tiles.js";

settle("nvt-start", mount, (bytes) => bytes.buffer);
