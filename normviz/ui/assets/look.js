// What stands around the data of a chart, on the screen and in a picture.  The object is JSON: the command
// `normviz export` reads it from this file.

export const LOOK = {
  "text": "#1d232e",
  "background": "#ffffff",
  "raised": "#f3f4f6",
  "border": "#d9dde3",
  "font": "sans-serif",
  "faded": { "grid": 0.1, "line": 0.45, "tick": 0.8, "annotation": 0.85, "title": 0.9 },
  "size": { "text": 12, "tick": 11, "title": 12, "ticks": 4, "standoff": 6 },
  "picture": { "scale": 3, "line": 20, "head": 34, "letter": 8, "title": 15, "moment": 12, "left": 10, "top": 22, "margin": 14 }
};
