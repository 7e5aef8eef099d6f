// The files of Swagger UI, embedded so that /docs works offline and the program is one file.
// SwiftPM's own embedding writes them as a Swift array literal, which takes minutes to compile.

#include "CSwaggerUI.h"
#include "version.h"

// #embed is C23. Clang has it in every mode and says so.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char bundle[] = {
#embed "assets/swagger-ui-bundle.js.gz"
};

static const unsigned char style[] = {
#embed "assets/swagger-ui.css.gz"
};

static const unsigned char favicon[] = {
#embed "assets/favicon-32x32.png"
};

const char *hw_swagger_ui_version(void) {
    return HW_SWAGGER_UI_VERSION;
}

struct hw_swagger_ui_file hw_swagger_ui_bundle(void) {
    return (struct hw_swagger_ui_file){bundle, sizeof bundle};
}

struct hw_swagger_ui_file hw_swagger_ui_style(void) {
    return (struct hw_swagger_ui_file){style, sizeof style};
}

struct hw_swagger_ui_file hw_swagger_ui_favicon(void) {
    return (struct hw_swagger_ui_file){favicon, sizeof favicon};
}
