#ifndef HW_SWAGGER_UI_H
#define HW_SWAGGER_UI_H

#include <stddef.h>

/// Bytes inside the program: they are never freed and never change.
struct hw_swagger_ui_file {
    const unsigned char *bytes;
    size_t count;
};

/// The release of Swagger UI, such as `5.34.0`.
const char *hw_swagger_ui_version(void);

/// `swagger-ui-bundle.js`, compressed with gzip.
struct hw_swagger_ui_file hw_swagger_ui_bundle(void);

/// `swagger-ui.css`, compressed with gzip.
struct hw_swagger_ui_file hw_swagger_ui_style(void);

/// `favicon-32x32.png`.
struct hw_swagger_ui_file hw_swagger_ui_favicon(void);

#endif
