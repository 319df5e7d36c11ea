#pragma once

// The page for browsers, each file as it is sent: compressed by `make page` from what lies beside it. The line below changes
// with it, because compilers do not see when what is embedded does.
// embeds 654239960b7d44b6

// Each in a section of its own: where several modules have it, the linker keeps one.
#define PAGE_FILE(name) __attribute__((section(".rodata.page_" #name)))

// What a file of the page is made of, by its number in Page.swift; how many octets it has is stored in `count`.
static inline const unsigned char *page_octets(int page, int *count) {
    PAGE_FILE(document) static const unsigned char document[] = {
#embed "page.html.gz"
    };
    PAGE_FILE(script) static const unsigned char script[] = {
#embed "page.js.gz"
    };
    PAGE_FILE(style) static const unsigned char style[] = {
#embed "page.css.gz"
    };
    PAGE_FILE(manifest) static const unsigned char manifest[] = {
#embed "manifest.webmanifest.gz"
    };
    PAGE_FILE(icon) static const unsigned char icon[] = {
#embed "icon.svg.gz"
    };
    PAGE_FILE(admin_document) static const unsigned char admin_document[] = {
#embed "admin.html.gz"
    };
    PAGE_FILE(admin_script) static const unsigned char admin_script[] = {
#embed "admin.js.gz"
    };
    PAGE_FILE(admin_style) static const unsigned char admin_style[] = {
#embed "admin.css.gz"
    };
    switch (page) {
    case 1: *count = sizeof document; return document;
    case 2: *count = sizeof script; return script;
    case 3: *count = sizeof style; return style;
    case 4: *count = sizeof manifest; return manifest;
    case 5: *count = sizeof icon; return icon;
    case 6: *count = sizeof admin_document; return admin_document;
    case 7: *count = sizeof admin_script; return admin_script;
    default: *count = sizeof admin_style; return admin_style;
    }
}
