import Foundation
import TableGenerator

let written = try TableGenerator(root: URL(fileURLWithPath: FileManager.default.currentDirectoryPath)).write()
print(written.isEmpty ? "tables are up to date" : "written: " + written.joined(separator: ", "))
