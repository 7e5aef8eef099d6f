#ifndef HW_PAGES_H
#define HW_PAGES_H

#include <stddef.h>

/// Bytes inside the program: they are never freed and never change.
struct hw_pages_file {
    const unsigned char *bytes;
    size_t count;
};

/// The style of the status page.
struct hw_pages_file hw_pages_style(void);

/// Its script.
struct hw_pages_file hw_pages_script(void);

/// The icon of its tab.
struct hw_pages_file hw_pages_icon(void);

#endif
