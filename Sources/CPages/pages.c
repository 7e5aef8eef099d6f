// The style, the script and the icon of the status page, embedded so that the program is one file.
// SwiftPM's own embedding writes them as a Swift array literal, which takes long to compile.

#include "CPages.h"

// #embed is C23. Clang has it in every mode and says so.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char style[] = {
#embed "assets/page.css"
};

static const unsigned char script[] = {
#embed "assets/page.js"
};

static const unsigned char icon[] = {
#embed "assets/icon.svg"
};

struct hw_pages_file hw_pages_style(void) {
    return (struct hw_pages_file){style, sizeof style};
}

struct hw_pages_file hw_pages_script(void) {
    return (struct hw_pages_file){script, sizeof script};
}

struct hw_pages_file hw_pages_icon(void) {
    return (struct hw_pages_file){icon, sizeof icon};
}
